package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.Barrier;
import io.altiplano.contracts.v1.CancelAttempt;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LeaseExpired;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.Retrying;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.scheduler.lease.Lease;

/** The one home of how decisions and effects are written down; {@link Shard#decide} sets a decision's generation. */
final class Records {
    private Records() {}

    static JobRecord.Builder barrier(String incarnation, long nowMs) {
        return JobRecord.newBuilder()
                .setBarrier(Barrier.newBuilder().setIncarnation(incarnation).setAtMs(nowMs));
    }

    static JobRecord.Builder granted(Lease lease, String fingerprint, long termMs, long nowMs) {
        return JobRecord.newBuilder()
                .setGranted(LeaseGranted.newBuilder()
                        .setJobId(lease.jobId())
                        .setEpoch(lease.epoch())
                        .setWorkerId(lease.workerId())
                        .setBootId(lease.bootId())
                        .setOrdinal(lease.ordinal())
                        .setTermMs(termMs)
                        .setAtMs(nowMs)
                        .setNumericsFingerprint(fingerprint));
    }

    /** Tokens that a job was served: what was billed for, or where nothing was, what its lost worker told of. */
    static long served(JobState job, JobFinished f, long generated) {
        Usage u = f.getUsage();
        long billed = u.getPromptTokens() - u.getCachedTokens() + u.getCompletionTokens();
        return Math.max(billed, JobState.servedWhenLost(job.promptTokens(), generated));
    }

    static Lease lease(LeaseGranted g) {
        return new Lease(g.getJobId(), g.getEpoch(), g.getWorkerId(), g.getBootId(), g.getOrdinal());
    }

    static JobRecord.Builder expired(Lease lease, String reason, long nowMs) {
        return JobRecord.newBuilder()
                .setExpired(LeaseExpired.newBuilder()
                        .setJobId(lease.jobId())
                        .setEpoch(lease.epoch())
                        .setReason(reason)
                        .setAtMs(nowMs));
    }

    static JobRecord.Builder succeeded(JobState job, Usage usage, String finishReason, long nowMs) {
        return record(finished(job, JobOutcome.JOB_OUTCOME_SUCCEEDED, nowMs)
                .setUsage(usage)
                .setFinishReason(finishReason));
    }

    /** Failed jobs cost nothing. */
    static JobRecord.Builder failed(JobState job, String code, String message, long nowMs) {
        return record(finished(job, JobOutcome.JOB_OUTCOME_FAILED, nowMs)
                .setUsage(Usage.getDefaultInstance())
                .setErrorCode(code)
                .setErrorMessage(message));
    }

    static JobRecord.Builder cancelled(JobState job, Usage usage, String code, String message, long nowMs) {
        return record(finished(job, JobOutcome.JOB_OUTCOME_CANCELLED, nowMs)
                .setUsage(usage)
                .setErrorCode(code)
                .setErrorMessage(message));
    }

    private static JobRecord.Builder record(JobFinished.Builder finished) {
        return JobRecord.newBuilder().setFinished(finished);
    }

    private static JobFinished.Builder finished(JobState job, JobOutcome outcome, long nowMs) {
        JobSubmitted s = job.submission();
        return JobFinished.newBuilder()
                .setJobId(s.getJobId())
                .setOutcome(outcome)
                .setTenantId(s.getTenantId())
                .setProjectId(s.getProjectId())
                .setApiKeyId(s.getApiKeyId())
                .setModel(s.getModel())
                .setAdapter(s.getAdapter())
                .setAttempts(job.phase().attempts())
                .setSubmittedAtMs(s.getSubmittedAtMs())
                .setFinishedAtMs(nowMs)
                .setDecisionId(s.getDecisionId())
                .setChoice(s.getSampling().getChoice())
                .setJobClass(s.getJobClass());
    }

    static Effect grant(JobState job, Lease lease, long termMs) {
        Grant.Builder grant = Grant.newBuilder()
                .setJobId(job.id())
                .setEpoch(lease.epoch())
                .setTermMs(termMs)
                .setSubmission(job.at());
        Relay relay = job.relayFor(lease.epoch());
        if (relay != null) {
            grant.setRelayed(relay.at());
        }
        return work(job.pool(), lease, WorkRecord.newBuilder().setGrant(grant));
    }

    static Effect cancel(String pool, Lease lease, String reason) {
        return work(
                pool,
                lease,
                WorkRecord.newBuilder()
                        .setCancel(CancelAttempt.newBuilder()
                                .setJobId(lease.jobId())
                                .setEpoch(lease.epoch())
                                .setReason(reason)));
    }

    private static Effect work(String pool, Lease lease, WorkRecord.Builder record) {
        return new Effect.Work(
                pool, lease.ordinal(), record.setBootId(lease.bootId()).build());
    }

    static Effect retrying(JobState job, int nextEpoch) {
        return notice(
                job.replyTo(),
                NoticeRecord.newBuilder()
                        .setRetrying(Retrying.newBuilder().setJobId(job.id()).setEpoch(nextEpoch)));
    }

    static Effect finishedNotice(ReplyAddress to, JobFinished finished) {
        return notice(to, NoticeRecord.newBuilder().setFinished(finished));
    }

    private static Effect notice(ReplyAddress to, NoticeRecord.Builder record) {
        return new Effect.Notice(
                to.getPartition(), record.setNonce(to.getNonce()).build());
    }
}
