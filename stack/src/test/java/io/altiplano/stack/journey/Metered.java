package io.altiplano.stack.journey;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.stack.infra.Waiting;
import java.time.Duration;
import java.util.Collection;

/**
 * A tenant's usage.
 *
 * @param requests answers
 * @param promptTokens read
 * @param completionTokens written
 */
record Metered(long requests, long promptTokens, long completionTokens) {
    static Metered of(Platform platform, String tenant) {
        long[] sum = new long[3];
        JsonNode usage = platform.admin().usage(tenant);
        for (JsonNode row : usage.path("data")) {
            sum[0] += row.path("requests").asLong();
            sum[1] += row.path("prompt_tokens").asLong();
            sum[2] += row.path("completion_tokens").asLong();
        }
        return new Metered(sum[0], sum[1], sum[2]);
    }

    /** What clients were told, summed, by their own count of completion tokens. */
    static Metered sum(Collection<Told> all) {
        return new Metered(
                all.size(),
                all.stream().mapToLong(Told::promptTokens).sum(),
                all.stream().mapToLong(Told::counted).sum());
    }

    /** The usage as soon as it is what was expected, or what it is after 10 s. */
    static Metered await(Platform platform, String tenant, Metered expected) {
        Metered[] last = new Metered[] {of(platform, tenant)};
        try {
            Waiting.until("the usage of " + tenant, null, Duration.ofSeconds(10), () -> {
                last[0] = of(platform, tenant);
                return last[0].equals(expected);
            });
        } catch (io.altiplano.stack.infra.InfraException e) {
            return last[0];
        }
        return last[0];
    }
}
