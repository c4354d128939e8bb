package io.altiplano.contracts;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Tells when the machine's wall clock was set back. Kafka's clients count by it and by nothing else: what is to be done again after
 * a while, such as connecting to a broker that was away, waits until the clock is again as late as it was. Who holds such a client
 * makes a new one, which knows nothing of the time before. Not thread-safe.
 */
public final class SetBack {
    /** Clocks are slewed by far less between two looks, and no client minds waiting so much longer. */
    private static final Duration LEAST = Duration.ofSeconds(2);

    private final LongSupplier millis;
    private final LongSupplier nanos;
    private long ahead;

    public SetBack() {
        this(System::currentTimeMillis, System::nanoTime);
    }

    /**
     * With other clocks, for tests.
     *
     * @param millis the wall clock
     * @param nanos the monotonic clock
     */
    public SetBack(LongSupplier millis, LongSupplier nanos) {
        this.millis = millis;
        this.nanos = nanos;
        ahead = ahead();
    }

    private long ahead() {
        return millis.getAsLong() - nanos.getAsLong() / 1_000_000;
    }

    /** By how much the wall clock was set back since it was told of last; zero if it was not, or by hardly anything. */
    public Duration told() {
        long now = ahead();
        Duration back = Duration.ofMillis(Math.max(0, ahead - now));
        if (back.compareTo(LEAST) < 0) {
            // Set ahead: from there it may be set back. What is slewed back slowly adds up.
            ahead = Math.max(ahead, now);
            return Duration.ZERO;
        }
        ahead = now;
        return back;
    }
}
