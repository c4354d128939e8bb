package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.Function;

/**
 * Lets requests in as far as the tenant's plan goes: so many a minute, so many at one time. Counted in this replica's
 * memory, so that admission costs no round trip; with N replicas the limits are N times as wide.
 */
@ApplicationScoped
public class Entitlements {
    private final Function<Tier, Plan> plans;
    private final Map<Key, Counters> counters = new ConcurrentHashMap<>();
    private final TimeMeter time;

    /** A tenant's counters begin anew when its tier or the tier's plan changes. */
    private record Key(String tenantId, Plan plan) {}

    private record Counters(Bucket requests, Semaphore places) {}

    @Inject
    Entitlements(Plans plans, MeterRegistry registry) {
        this(plans::of, TimeMeter.SYSTEM_NANOTIME);
        registry.gauge("altiplano.requests.admitted", this, Entitlements::underWay);
    }

    Entitlements(Function<Tier, Plan> plans, TimeMeter time) {
        this.plans = plans;
        this.time = time;
    }

    /**
     * Takes one request of the minute and one place.
     *
     * @throws ApiException 429 with the time after which it is worth another try
     */
    public Admission admit(Caller caller) {
        Plan plan = plans.apply(caller.tier());
        Counters counter = counters.computeIfAbsent(
                new Key(caller.tenantId(), plan), key -> new Counters(bucket(plan), new Semaphore(plan.concurrent())));
        ConsumptionProbe probe = counter.requests.tryConsumeAndReturnRemaining(1);
        Map<String, String> headers = headers(plan, probe);
        if (!probe.isConsumed()) {
            throw refusal(
                    headers,
                    Duration.ofNanos(probe.getNanosToWaitForRefill()),
                    "More than " + plan.requestsPerMinute() + " requests a minute; wait and try again.");
        }
        if (!counter.places.tryAcquire()) {
            throw refusal(
                    headers,
                    Duration.ofSeconds(1),
                    "More than " + plan.concurrent() + " requests at one time; wait until one has ended.");
        }
        return new Admission(plan, headers, counter.places::release);
    }

    /** Requests admitted and not yet ended. */
    long underWay() {
        return counters.entrySet().stream()
                .mapToLong(e ->
                        e.getKey().plan().concurrent() - e.getValue().places().availablePermits())
                .sum();
    }

    private Bucket bucket(Plan plan) {
        return Bucket.builder()
                .addLimit(Bandwidth.builder()
                        .capacity(plan.requestsPerMinute())
                        .refillGreedy(plan.requestsPerMinute(), Duration.ofMinutes(1))
                        .build())
                .withCustomTimePrecision(time)
                .build();
    }

    private static ApiException refusal(Map<String, String> rateHeaders, Duration wait, String message) {
        ApiError e = ApiError.tooManyRequests("rate_limit_exceeded", message, wait);
        Map<String, String> headers = new HashMap<>(rateHeaders);
        headers.putAll(e.headers());
        return new ApiException(new ApiError(e.status(), e.type(), e.code(), e.message(), e.param(), headers));
    }

    private static Map<String, String> headers(Plan plan, ConsumptionProbe probe) {
        return Map.of(
                "x-ratelimit-limit-requests", Integer.toString(plan.requestsPerMinute()),
                "x-ratelimit-remaining-requests", Long.toString(probe.getRemainingTokens()),
                "x-ratelimit-reset-requests", duration(probe.getNanosToWaitForReset()));
    }

    /** A duration as OpenAI writes it: {@code 20ms}, {@code 1s}, {@code 6m0s}. */
    static String duration(long nanos) {
        long millis = (nanos + 999_999) / 1_000_000;
        if (millis < 1000) {
            return millis + "ms";
        }
        long seconds = (millis + 999) / 1000;
        return seconds < 60 ? seconds + "s" : seconds / 60 + "m" + seconds % 60 + "s";
    }
}
