package io.altiplano.gateway.entitlement;

import java.math.BigDecimal;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What differs from the plan for a tenant as a whole or one of its projects; null: nothing does. What the platform sets takes
 * the plan's place, what the tenant sets holds below it: of several limits the least.
 *
 * @param tenantId whose
 * @param projectId the project, or "" for the tenant as a whole
 * @param setBy who
 * @param requestsPerMinute requests
 * @param tokensPerMinute tokens
 * @param concurrent requests under way at one time
 * @param tokensPerDay tokens a calendar day of UTC
 * @param tokensPerMonth tokens a calendar month of UTC
 * @param budgetPerMonth money a calendar month of UTC
 * @param soft which of the last three only raise alerts
 */
public record LimitOverride(
        String tenantId,
        String projectId,
        SetBy setBy,
        @Nullable Long requestsPerMinute,
        @Nullable Long tokensPerMinute,
        @Nullable Long concurrent,
        @Nullable Long tokensPerDay,
        @Nullable Long tokensPerMonth,
        @Nullable BigDecimal budgetPerMonth,
        Set<Quota> soft) {

    /** Who sets a limit. */
    public enum SetBy {
        /** The platform's administrators. */
        PLATFORM,
        /** The tenant's owners, for their own. */
        TENANT
    }

    /** Copies the set. */
    public LimitOverride {
        soft = Set.copyOf(soft);
    }

    /** Whether it sets nothing. */
    boolean isEmpty() {
        return Stream.of(requestsPerMinute, tokensPerMinute, concurrent, tokensPerDay, tokensPerMonth, budgetPerMonth)
                .allMatch(limit -> limit == null);
    }
}
