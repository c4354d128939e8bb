package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A move of a tenant between tiers.
 *
 * @param actor OIDC subject, or "system:" and a part of the platform
 * @param actorName for people
 * @param approvalId of the two persons' approval, where the move needed one
 */
public record TierEvent(
        long seq,
        String tenantId,
        Tier fromTier,
        Tier toTier,
        Instant at,
        String actor,
        String actorName,
        String reason,
        @Nullable String approvalId) {}
