package io.altiplano.gateway.entitlement;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/** {@code x-ratelimit-*}, as OpenAI has them, of the scope (tenant or project) of which least is left. */
final class RateHeaders {
    private RateHeaders() {}

    static Map<String, String> of(Verdict verdict) {
        Map<String, String> headers = new HashMap<>();
        put(headers, "requests", verdict.requests().stream());
        put(headers, "tokens", verdict.tokens().stream());
        return Map.copyOf(headers);
    }

    private static void put(Map<String, String> headers, String what, Stream<Rate> rates) {
        Rate.tightest(rates).ifPresent(rate -> {
            headers.put("x-ratelimit-limit-" + what, Long.toString(rate.limit()));
            headers.put("x-ratelimit-remaining-" + what, Long.toString(rate.remaining()));
            headers.put("x-ratelimit-reset-" + what, duration(rate.reset()));
        });
    }

    /** A duration as OpenAI writes it: {@code 20ms}, {@code 1s}, {@code 6m0s}. */
    static String duration(Duration duration) {
        long millis = (duration.toNanos() + 999_999) / 1_000_000;
        if (millis < 1000) {
            return millis + "ms";
        }
        long seconds = (millis + 999) / 1000;
        return seconds < 60 ? seconds + "s" : seconds / 60 + "m" + seconds % 60 + "s";
    }
}
