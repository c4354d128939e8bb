package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.JobRecord;

/**
 * A record for {@code jobs}. It has no effect until it is read back from there.
 *
 * @param pool the record's key; empty for the scheduler's own Barrier
 * @param record what was decided
 */
public record Decision(String pool, JobRecord record) {}
