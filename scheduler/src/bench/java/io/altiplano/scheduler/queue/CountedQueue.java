package io.altiplano.scheduler.queue;

import java.util.concurrent.atomic.AtomicLong;

/** The fair queue, counting how often two sharers are compared: what its order costs, however busy the machine is. */
public final class CountedQueue {
    private CountedQueue() {}

    /** A queue of a pool that adds its comparisons to a counter. */
    public static JobQueue of(String pool, ClassShares shares, AtomicLong comparisons) {
        return new FairQueue(pool, shares, (a, b) -> {
            comparisons.incrementAndGet();
            return Node.BY_TAG.compare(a, b);
        });
    }
}
