package io.altiplano.scheduler.fleet;

import io.altiplano.contracts.v1.WorkerHeartbeat;

/**
 * A worker as its last heartbeat described it.
 *
 * @param beat the last heartbeat
 * @param heardAtMs when the scheduler read it, milliseconds of the scheduler's clock
 */
public record Worker(WorkerHeartbeat beat, long heardAtMs) {
    public String id() {
        return beat.getWorkerId();
    }

    public String bootId() {
        return beat.getBootId();
    }

    public int ordinal() {
        return beat.getOrdinal();
    }
}
