package io.altiplano.worker.agent;

import java.time.Duration;

/**
 * Whether the leases may still be held, by the monotonic clock. What counts is when the latest acknowledged heartbeat was sent:
 * the scheduler renews leases when it reads one, which is later. A worker that gives up at 7 tenths of the term has
 * therefore stopped before its leases expire.
 */
final class HeartbeatWatch {
    private final long limitNanos;
    private volatile long acknowledgedNanos;

    HeartbeatWatch(Duration leaseTerm, long nowNanos) {
        this.limitNanos = leaseTerm.toNanos() / 10 * 7;
        this.acknowledgedNanos = nowNanos;
    }

    /** A heartbeat that was sent then has been acknowledged; order of calls does not matter. */
    synchronized void acknowledged(long sentNanos) {
        if (sentNanos - acknowledgedNanos > 0) {
            acknowledgedNanos = sentNanos;
        }
    }

    /** Whether leases may have expired. */
    boolean isLost(long nowNanos) {
        return nowNanos - acknowledgedNanos > limitNanos;
    }
}
