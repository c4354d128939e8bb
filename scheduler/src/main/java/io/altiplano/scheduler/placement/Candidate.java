package io.altiplano.scheduler.placement;

import io.altiplano.scheduler.fleet.Worker;

/**
 * A worker and what the scheduler has promised it.
 *
 * @param worker the worker as last heard
 * @param leases jobs leased to it or decided for it
 * @param committedBlocks upper bound of the KV blocks that those jobs may come to use
 * @param unseenBlocks of these, those of jobs that its last heartbeat did not list yet
 * @param yieldingLeases of the leases, those of jobs that give way to interactive ones
 * @param yieldingBlocks the committed blocks of these
 */
public record Candidate(
        Worker worker, int leases, long committedBlocks, long unseenBlocks, int yieldingLeases, long yieldingBlocks) {
    /** None of whose jobs give way. */
    public Candidate(Worker worker, int leases, long committedBlocks, long unseenBlocks) {
        this(worker, leases, committedBlocks, unseenBlocks, 0, 0);
    }
}
