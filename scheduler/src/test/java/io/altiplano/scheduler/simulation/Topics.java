package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.simulation.World.Log;
import java.util.List;
import java.util.stream.Stream;

/** The logs of one partition's world. Token deltas are calls: their transport is not what is tried here. */
record Topics(
        Log<SubmissionRecord> submissions,
        Log<AttemptRecord> attempts,
        Log<WorkerHeartbeat> workers,
        Log<JobRecord> jobs,
        List<Log<WorkRecord>> work,
        Log<NoticeRecord> notices) {
    static Topics of(int workers) {
        return new Topics(
                new Log<>(),
                new Log<>(),
                new Log<>(),
                new Log<>(),
                Stream.generate(Log<WorkRecord>::new).limit(workers).toList(),
                new Log<>());
    }
}
