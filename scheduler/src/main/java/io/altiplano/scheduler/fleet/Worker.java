package io.altiplano.scheduler.fleet;

import io.altiplano.contracts.v1.WorkerHeartbeat;

/**
 * A worker as its last heartbeat described it.
 *
 * @param beat the last heartbeat
 * @param heardAtMs when the scheduler read it, milliseconds of the scheduler's clock
 * @param cached the prompt prefixes in its cache
 */
public record Worker(WorkerHeartbeat beat, long heardAtMs, Prefixes cached) {
    public Worker(WorkerHeartbeat beat, long heardAtMs) {
        this(beat, heardAtMs, Prefixes.ofDigest(beat.getPrefixDigestList()));
    }

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
