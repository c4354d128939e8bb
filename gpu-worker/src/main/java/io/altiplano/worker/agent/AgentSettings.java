package io.altiplano.worker.agent;

import io.altiplano.contracts.Topics;
import java.time.Duration;

/**
 * Who this worker is and how long it waits.
 *
 * @param pool its model pool
 * @param ordinal its place in the pool, and its partition of {@code work.<pool>}
 * @param capacity most attempts it takes at once
 * @param leaseTerm the scheduler's lease term; without an acknowledged heartbeat for 7 tenths of it the worker stops
 * @param heartbeat between heartbeats
 * @param drain at shutdown, how long running attempts may take to end
 */
public record AgentSettings(
        String pool, int ordinal, int capacity, Duration leaseTerm, Duration heartbeat, Duration drain) {
    public AgentSettings {
        Topics.requirePool(pool);
        if (ordinal < 0 || capacity < 1) {
            throw new IllegalArgumentException("a worker's ordinal is at least 0 and its capacity at least 1, not "
                    + ordinal + " and " + capacity);
        }
        if (heartbeat.multipliedBy(2).compareTo(leaseTerm) > 0 || heartbeat.isZero() || heartbeat.isNegative()) {
            throw new IllegalArgumentException("heartbeats every " + heartbeat + " cannot hold leases of " + leaseTerm
                    + "; use half of it at most");
        }
    }

    /** Stable over restarts, e.g. "default-0". */
    public String workerId() {
        return pool + "-" + ordinal;
    }
}
