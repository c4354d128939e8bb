package io.altiplano.scheduler.simulation;

import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
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
    /** All records that name a job, topic by topic, for whoever reads a failure. */
    String story(String jobId) {
        StringBuilder story = new StringBuilder();
        tell(story, "submissions", submissions, jobId);
        tell(story, "jobs", jobs, jobId);
        for (int i = 0; i < work.size(); i++) {
            tell(story, "work " + i, work.get(i), jobId);
        }
        tell(story, "attempts", attempts, jobId);
        tell(story, "notices", notices, jobId);
        return story.toString();
    }

    private static void tell(StringBuilder story, String name, Log<? extends Message> log, String jobId) {
        story.append('\n').append(name);
        for (int i = 0; i < log.end(); i++) {
            String text = TextFormat.printer().emittingSingleLine(true).printToString(log.get(i));
            if (text.contains(jobId) || text.startsWith("barrier")) {
                story.append("\n  ").append(i).append("  ").append(text);
            }
        }
    }

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
