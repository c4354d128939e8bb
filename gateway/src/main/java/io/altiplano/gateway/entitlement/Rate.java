package io.altiplano.gateway.entitlement;

import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a limit a minute stands, by the generic cell rate algorithm: each taking moves {@code until} on by its share of the
 * minute, and may move it at most a minute ahead. So what was taken comes back continuously, and after a quiet minute there is
 * all of it.
 *
 * @param limit so many a minute
 * @param until when all that was taken will have come back; not before {@code at}
 * @param at when it stood so
 */
record Rate(long limit, Instant until, Instant at) {
    private static final long MINUTE_MICROS = 60_000_000;

    /** Of a limit that may be none. */
    static Optional<Rate> of(@Nullable Long limit, Instant until, Instant at) {
        return limit == null ? Optional.empty() : Optional.of(new Rate(limit, until, at));
    }

    /** How many may be taken now. */
    long remaining() {
        return BigInteger.valueOf(Math.max(0, MINUTE_MICROS - reset().toNanos() / 1000))
                .multiply(BigInteger.valueOf(limit))
                .divide(BigInteger.valueOf(MINUTE_MICROS))
                .min(BigInteger.valueOf(limit))
                .longValueExact();
    }

    /** After how long all of it may be taken. */
    Duration reset() {
        return Duration.between(at, until);
    }

    /** After how long so many may be taken; zero if they may now. */
    Duration waitFor(long amount) {
        Instant after = until.plus(share(amount), ChronoUnit.MICROS).minus(MINUTE_MICROS, ChronoUnit.MICROS);
        return after.isAfter(at) ? Duration.between(at, after) : Duration.ZERO;
    }

    /** Whether so many are more than a whole minute gives. */
    boolean exceededBy(long amount) {
        return amount > limit;
    }

    /** The one of which least is left. */
    static Optional<Rate> tightest(Stream<Rate> rates) {
        return rates.min((a, b) -> Long.compare(a.remaining(), b.remaining()));
    }

    private long share(long amount) {
        return BigInteger.valueOf(MINUTE_MICROS)
                .multiply(BigInteger.valueOf(amount))
                .divide(BigInteger.valueOf(limit))
                .min(BigInteger.valueOf(Long.MAX_VALUE / 2))
                .longValueExact();
    }
}
