package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.WorkRecord;

/** What the scheduler sends because of what is already so. Every receiver ignores repeats. */
public sealed interface Effect {
    /** A record for partition {@code ordinal} of {@code work.<pool>}. */
    record Work(String pool, int ordinal, WorkRecord record) implements Effect {}

    /** A record for a partition of {@code notices}. */
    record Notice(int partition, NoticeRecord record) implements Effect {}

    /** A line of the log: nothing is sent. Epoch 0 and empty strings where they do not apply. */
    record Happened(What what, String jobId, int epoch, String worker, String detail) implements Effect {}

    /** What a log line tells of. */
    enum What {
        SCHEDULER_CAUGHT_UP("SchedulerCaughtUp"),
        JOB_QUEUED("JobQueued"),
        JOB_REPEATED("JobRepeated"),
        SCHEDULER_REPLACED("SchedulerReplaced"),
        DECISION_FENCED("DecisionFenced"),
        LEASE_GRANTED("LeaseGranted"),
        LEASE_GRANT_REPEATED("LeaseGrantRepeated"),
        LEASE_GRANT_FENCED("LeaseGrantFenced"),
        LEASE_EXPIRED("LeaseExpired"),
        ATTEMPT_END_FENCED("AttemptEndFenced"),
        JOB_RESUMED("JobResumed"),
        JOB_RESTARTED("JobRestarted"),
        JOB_CANCELLING("JobCancelling"),
        JOB_FINISHED("JobFinished"),
        JOB_FINISH_REPEATED("JobFinishRepeated"),
        RIGHT_WITHDRAWN("RightWithdrawn"),
        GATEWAY_LOST("GatewayLost"),
        WORKER_BOOTED("WorkerBooted"),
        LEASES_REFRESHED("LeasesRefreshed"),
        DECISION_REPEATED("DecisionRepeated");

        private final String text;

        What(String text) {
            this.text = text;
        }

        /** As logs write it, e.g. "LeaseGranted". */
        @Override
        public String toString() {
            return text;
        }
    }
}
