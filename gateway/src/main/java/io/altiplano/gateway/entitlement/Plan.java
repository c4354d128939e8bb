package io.altiplano.gateway.entitlement;

/**
 * What a tier allows, per gateway replica for now.
 *
 * @param requestsPerMinute requests a minute, all at once if the minute before was quiet
 * @param concurrent requests under way at one time
 * @param maxTokens longest answer that may be asked for, tokens
 * @param defaultMaxTokens longest answer where the request names none, tokens
 * @param weight the tenant's weight in the fair queue
 */
public record Plan(int requestsPerMinute, int concurrent, int maxTokens, int defaultMaxTokens, int weight) {
    public Plan {
        positive("requests-per-minute", requestsPerMinute);
        positive("concurrent", concurrent);
        positive("max-tokens", maxTokens);
        positive("default-max-tokens", defaultMaxTokens);
        positive("weight", weight);
        if (defaultMaxTokens > maxTokens) {
            throw new IllegalArgumentException("altiplano.plans: default-max-tokens " + defaultMaxTokens
                    + " is more than max-tokens " + maxTokens);
        }
    }

    private static void positive(String key, int value) {
        if (value < 1) {
            throw new IllegalArgumentException("altiplano.plans: " + key + " is " + value + "; it must be at least 1");
        }
    }
}
