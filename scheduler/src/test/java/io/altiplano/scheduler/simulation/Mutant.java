package io.altiplano.scheduler.simulation;

/** A scheduler with one of its safeguards taken out: the simulation must see each of them fail. */
enum Mutant {
    NONE,
    /** The end of any attempt counts, whatever its epoch and boot. */
    NO_FENCING,
    /** Decisions take effect when they are made. */
    ACT_AT_DECIDE,
    /** A job is tried for ever. */
    NO_ATTEMPT_LIMIT,
    /** A gateway that is deaf for two seconds is taken for dead. */
    NO_PATIENCE,
    /** A scheduler that takes over decides before it has applied what was decided before it. */
    NO_BARRIER,
    /** First come, first served. */
    NO_FAIRNESS,
    /** What a scheduler still writes to {@code jobs} that was replaced counts, and it goes on until its commit is refused. */
    NO_GENERATIONS,
    /** What a replaced scheduler still writes to the changelog takes the place of its successor's. */
    NO_STORE_FENCE,
    /** The ledger takes the first terminal record of a job, whoever wrote it. */
    NO_LEDGER_FENCE,
    /** The ledger takes a job's line as often as it reads it. */
    NO_UNIQUE_KEY
}
