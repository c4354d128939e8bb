package io.altiplano.scheduler.placement;

import io.altiplano.scheduler.fleet.Worker;

/**
 * A worker and what the scheduler has promised it.
 *
 * @param worker the worker as last heard
 * @param leases jobs leased to it or decided for it
 * @param committedBlocks upper bound of the KV blocks that those jobs may come to use
 * @param unseenBlocks of these, those of jobs that its last heartbeat did not list yet
 */
public record Candidate(Worker worker, int leases, long committedBlocks, long unseenBlocks) {}
