package io.altiplano.gateway.entitlement;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Lets requests in as far as the limits of their tenant and project go, together with all other gateways: what a job may come
 * to is reserved in PostgreSQL before it is sent, in one round trip, and settled when its end is posted. What the database
 * refuses for all of a tenant's requests alike is refused from memory for a moment, so that a flood costs it nothing.
 */
@ApplicationScoped
public class Entitlements {
    /** How long a refusal is repeated from memory at most: a raised limit is in force within a second. */
    static final Duration REMEMBERED = Duration.ofMillis(750);

    /** A place that is just given back is waited for so long, one after the other: who asks again at its answer's end gets in. */
    private static final List<Duration> PATIENCE =
            List.of(Duration.ofMillis(10), Duration.ofMillis(50), Duration.ofMillis(300));

    private static final int MOST_REMEMBERED = 20_000;

    private final Function<Tier, Plan> plans;
    private final Reservations reservations;
    private final Alerts alerts;
    private final LongSupplier nanoTime;
    /** Told the code of each refusal. */
    private final Consumer<String> refusals;

    private final AtomicLong underWay = new AtomicLong();
    private final Cache<Scope, Remembered> refused = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(Duration.ofSeconds(5))
            .build();

    private record Scope(String tenantId, String projectId, Plan plan) {}

    private record Remembered(ApiError error, long untilNanos) {}

    @Inject
    Entitlements(Plans plans, Db db, Alerts alerts, LimitSettings settings, MeterRegistry registry) {
        this(
                plans::of,
                new Reservations(db, settings.reservationTerm(), null),
                alerts,
                System::nanoTime,
                code -> registry.counter("altiplano.requests.refused", "code", code)
                        .increment());
        registry.gauge("altiplano.requests.admitted", underWay);
    }

    Entitlements(Function<Tier, Plan> plans, Reservations reservations, Alerts alerts, LongSupplier nanoTime) {
        this(plans, reservations, alerts, nanoTime, code -> {});
    }

    private Entitlements(
            Function<Tier, Plan> plans,
            Reservations reservations,
            Alerts alerts,
            LongSupplier nanoTime,
            Consumer<String> refusals) {
        this.plans = plans;
        this.reservations = reservations;
        this.alerts = alerts;
        this.nanoTime = nanoTime;
        this.refusals = refusals;
    }

    /** The caller's plan of now. */
    public Plan plan(Caller caller) {
        return plans.apply(caller.tier());
    }

    /**
     * Refuses what would be refused anyway, before any work is done for it. Asks nobody.
     *
     * @throws ApiException 429 as {@link #reserve} would
     */
    public void heed(Caller caller) {
        Remembered known = refused.getIfPresent(scope(caller));
        if (known != null && known.untilNanos() - nanoTime.getAsLong() > 0) {
            refusals.accept(String.valueOf(known.error().code()));
            throw new ApiException(known.error());
        }
    }

    /**
     * Takes a request of the minute for one that failed by its own fault, so that such requests are limited too; the error with
     * the {@code x-ratelimit-*} of then.
     */
    public ApiException counted(Caller caller, ApiException failed) {
        try {
            Verdict verdict = reservations.take(new Ask(caller.tenantId(), caller.projectId(), plan(caller), null));
            if (verdict instanceof Verdict.Refused no) {
                remember(caller, Refusal.of(no, null));
            }
            return with(failed, RateHeaders.of(verdict));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed;
        } catch (DatabaseUnavailableException e) {
            return failed;
        }
    }

    /**
     * Reserves what a job may come to.
     *
     * @throws ApiException 429 {@code rate_limit_exceeded} with the time after which it is worth another try, or
     *     {@code insufficient_quota}; then nothing was taken
     * @throws DatabaseUnavailableException if that cannot be known now
     */
    public Admission reserve(Caller caller, Demand demand) {
        Ask ask = new Ask(caller.tenantId(), caller.projectId(), plan(caller), demand);
        try {
            Verdict verdict = reservations.take(ask);
            for (Duration patience : PATIENCE) {
                if (!(verdict instanceof Verdict.Refused no) || !mayEndSoon(Refusal.of(no, demand))) {
                    break;
                }
                reservations.hurry();
                Thread.sleep(patience);
                verdict = reservations.take(ask);
            }
            return switch (verdict) {
                case Verdict.Admitted yes -> admission(caller, demand, yes);
                case Verdict.Refused no -> throw refusal(caller, Refusal.of(no, demand));
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ApiException(ApiError.unavailable(
                    "interrupted",
                    "The request was interrupted before it was let in; try again.",
                    Duration.ofSeconds(1)));
        }
    }

    /** An error with further headers. */
    public static ApiException with(ApiException e, Map<String, String> headers) {
        Map<String, String> all = new HashMap<>(headers);
        all.putAll(e.error().headers());
        ApiError error = e.error();
        return new ApiException(
                new ApiError(error.status(), error.type(), error.code(), error.message(), error.param(), all));
    }

    private Admission admission(Caller caller, Demand demand, Verdict.Admitted yes) {
        underWay.incrementAndGet();
        return new Admission(yes, RateHeaders.of(yes), sent -> {
            underWay.decrementAndGet();
            demand.jobs().forEach(job -> reservations.end(caller.tenantId(), job, sent));
        });
    }

    private ApiException refusal(Caller caller, Refusal refusal) {
        remember(caller, refusal);
        refusals.accept(String.valueOf(refusal.error().code()));
        if (refusal.spent() != null) {
            alerts.exhausted(refusal.spent().standing(), refusal.spent().use());
        }
        return new ApiException(refusal.error());
    }

    private void remember(Caller caller, Refusal refusal) {
        if (refusal.forAll()) {
            long wait = Math.min(
                    REMEMBERED.toNanos(),
                    Duration.ofMillis(Long.parseLong(refusal.error().headers().getOrDefault("retry-after-ms", "0")))
                            .toNanos());
            refused.put(scope(caller), new Remembered(refusal.error(), nanoTime.getAsLong() + wait));
        }
    }

    private Scope scope(Caller caller) {
        return new Scope(caller.tenantId(), caller.projectId(), plan(caller));
    }

    private static boolean mayEndSoon(Refusal refusal) {
        return refusal.cause() == Refusal.Cause.CONCURRENT || refusal.cause() == Refusal.Cause.HELD;
    }

    /**
     * A gateway process is gone, and the scheduler has been told: what it had reserved and never sent is held for seconds only.
     *
     * @return how many reservations it had
     * @throws DatabaseUnavailableException if that is to be asked for again
     */
    public long desert(UUID gateway) {
        return reservations.desert(gateway);
    }

    /** Ends what has to end and could not before; how many reservations had outlived their term. */
    long tidy() {
        return reservations.tidy();
    }

    /** Requests let in here and not yet ended. */
    long underWay() {
        return underWay.get();
    }
}
