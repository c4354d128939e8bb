package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.tenant.Tier;
import io.altiplano.licensing.Use;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a tier allows from a day on. It is what the platform sells, apart from what a licence permits.
 *
 * @param tier whose it is
 * @param effectiveFrom since when
 * @param uses what may be done at all; none where the tier is suspended
 * @param models catalog ids, or null for every model
 * @param requestsPerMinute requests a minute, all at once if the minute before was quiet
 * @param tokensPerMinute tokens a minute
 * @param concurrent requests under way at one time
 * @param tokensPerMonth tokens a calendar month (UTC)
 * @param maxTokens longest answer that may be asked for, tokens
 * @param defaultMaxTokens longest answer where the request names none, tokens
 * @param weight the tenant's weight in the fair queue
 * @param batch whether batches may be submitted
 * @param fineTune whether models may be fine-tuned
 */
public record Plan(
        Tier tier,
        Instant effectiveFrom,
        Set<Use> uses,
        @Nullable Set<String> models,
        int requestsPerMinute,
        long tokensPerMinute,
        int concurrent,
        long tokensPerMonth,
        int maxTokens,
        int defaultMaxTokens,
        int weight,
        boolean batch,
        boolean fineTune) {
    /** Copies the sets; refuses limits that are no limits. */
    public Plan {
        uses = Set.copyOf(uses);
        models = models == null ? null : Set.copyOf(models);
        positive("requests_per_minute", requestsPerMinute);
        positive("tokens_per_minute", tokensPerMinute);
        positive("concurrent", concurrent);
        positive("tokens_per_month", tokensPerMonth);
        positive("max_tokens", maxTokens);
        positive("default_max_tokens", defaultMaxTokens);
        positive("weight", weight);
        if (defaultMaxTokens > maxTokens) {
            throw new IllegalArgumentException(
                    "default_max_tokens " + defaultMaxTokens + " is more than max_tokens " + maxTokens);
        }
    }

    private static void positive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
        }
    }
}
