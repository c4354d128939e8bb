package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptStarted;
import io.altiplano.contracts.v1.GatewayLost;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.WorkerHeartbeat;

/** What the scheduler decides upon: facts that others wrote to their topics, and time. */
public sealed interface Event {
    /** A gateway's job, and where in {@code submissions} it stands. */
    record Submitted(JobSubmitted job, LogPointer at) implements Event {}

    record Cancelled(JobCancelled cancel) implements Event {}

    /** A gateway's answer to Retrying, and where in {@code submissions} it stands. */
    record Relayed(JobRelayed relayed, LogPointer at) implements Event {}

    record Withdrawn(RightWithdrawn right) implements Event {}

    /** A gateway process is gone. */
    record Deserted(GatewayLost gateway) implements Event {}

    record Started(AttemptStarted started) implements Event {}

    record Ended(AttemptEnded ended) implements Event {}

    record Heard(WorkerHeartbeat beat) implements Event {}

    /** Time passed; expected several times a second. */
    record Tick() implements Event {}
}
