package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.tenant.Tier;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithParentName;
import java.util.Map;

/** {@code altiplano.plans.<tier>.*}: every tier's limits, as data. */
@ConfigMapping(prefix = "altiplano.plans")
public interface PlanSettings {
    /** One entry a tier. */
    @WithParentName
    Map<Tier, Limits> plans();

    /** As of {@link Plan}. */
    interface Limits {
        /** Requests a minute. */
        int requestsPerMinute();

        /** Requests under way at one time. */
        int concurrent();

        /** Longest answer that may be asked for, tokens. */
        int maxTokens();

        /** Longest answer where the request names none, tokens. */
        int defaultMaxTokens();

        /** Weight in the fair queue. */
        int weight();
    }

    /**
     * A tier's plan.
     *
     * @throws IllegalArgumentException if it is missing or makes no sense
     */
    default Plan plan(Tier tier) {
        Limits l = plans().get(tier);
        if (l == null) {
            throw new IllegalArgumentException("altiplano.plans has no entry for the tier " + tier);
        }
        return new Plan(l.requestsPerMinute(), l.concurrent(), l.maxTokens(), l.defaultMaxTokens(), l.weight());
    }
}
