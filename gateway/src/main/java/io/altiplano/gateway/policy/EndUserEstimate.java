package io.altiplano.gateway.policy;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An estimate of a tenant's distinct end users.
 *
 * @param month calendar month in UTC, "2026-01"
 * @param lowerBound with the upper one, bounds of two standard errors: about 95 in 100 estimates lie so
 */
public record EndUserEstimate(
        String tenantId, String month, long estimate, long lowerBound, long upperBound, Instant updatedAt) {
    /**
     * Whether it contradicts what was attested: its lower bound is above the figure or, where none was attested, above the licences'
     * threshold.
     *
     * @param attested the group's figure; null: none
     */
    boolean contradicts(@Nullable Long attested, long threshold) {
        return lowerBound > (attested == null ? threshold : attested);
    }
}
