package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.Barrier;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseExpired;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.scheduler.core.Effect.What;
import io.altiplano.scheduler.core.Stored.Finished;
import io.altiplano.scheduler.lease.Lease;
import org.jspecify.annotations.Nullable;

/**
 * The one place where leases begin and end and jobs finish: on reading a record of {@code jobs}, whoever wrote it and
 * whenever. In log order the first record per (job, epoch) and the first terminal record win. A record that repeats the
 * present state sends its effect again, as a crash may have lost it; one that comes too late changes nothing.
 */
final class ReadBack {
    private final Shard shard;

    ReadBack(Shard shard) {
        this.shard = shard;
    }

    void apply(JobRecord record, long nowMs) {
        switch (record.getBodyCase()) {
            case GRANTED -> granted(record, record.getGranted(), nowMs);
            case EXPIRED -> expired(record, record.getExpired(), nowMs);
            case FINISHED -> finished(record.getFinished(), nowMs);
            case BARRIER, BODY_NOT_SET -> {}
        }
    }

    /** A barrier of this incarnation: the broker took a record of ours at {@code at_ms}. */
    void barrier(Barrier barrier, long nowMs) {
        shard.provenAtMs = Math.max(shard.provenAtMs, barrier.getAtMs());
        shard.doubt = false;
        if (!shard.caughtUp) {
            shard.caughtUp = true;
            shard.happened(
                    What.SCHEDULER_CAUGHT_UP,
                    "",
                    0,
                    "",
                    "after_ms=" + (nowMs - barrier.getAtMs()) + " jobs="
                            + shard.state.jobs().size());
        }
    }

    private void granted(JobRecord record, LeaseGranted g, long nowMs) {
        JobState job = known(g.getJobId(), g.getAtMs(), record, nowMs);
        if (job == null) {
            return;
        }
        Lease lease = Records.lease(g);
        boolean running = job.phase() instanceof Phase.Leased;
        if (job.phase() instanceof Phase.Leased l && l.lease().equals(lease)) {
            shard.happened(What.LEASE_GRANT_REPEATED, job.id(), lease.epoch(), lease.workerId(), "");
            sendGrant(job, lease, nowMs);
        } else if (!running && job.phase().attempts() + 1 == lease.epoch()) {
            // Queued; or still awaiting the gateway's answer, which may be read only after the grant that rests on it.
            begin(job.withFingerprint(g.getNumericsFingerprint()), lease, nowMs);
        } else {
            shard.happened(What.LEASE_GRANT_FENCED, job.id(), lease.epoch(), lease.workerId(), "phase=" + job.phase());
        }
    }

    private void begin(JobState job, Lease lease, long nowMs) {
        shard.dispatcher.begun(job);
        shard.waitingSince.remove(job.id());
        shard.leases.hold(lease, job.blocks(), job.yields(), nowMs);
        JobState leased = job.withPhase(new Phase.Leased(lease));
        step(leased);
        shard.happened(
                What.LEASE_GRANTED,
                job.id(),
                lease.epoch(),
                lease.workerId(),
                "pool=" + job.pool() + " boot=" + lease.bootId());
        sendGrant(leased, lease, nowMs);
    }

    /**
     * Gives the worker its work; an interactive retry waits for the gateway's answer where that is not read yet. The worker
     * ends a cancelled job's attempt itself, so that every attempt has an end with counts.
     */
    void sendGrant(JobState job, Lease lease, long nowMs) {
        if (lease.epoch() > 1 && job.interactive() && job.relayFor(lease.epoch()) == null) {
            return;
        }
        shard.effects.add(Records.grant(job, lease, shard.settings.termMs()));
        Cancellation c = job.cancellation();
        if (c != null) {
            shard.sendCancel(job.pool(), lease, c.code(), nowMs);
        }
    }

    private void expired(JobRecord record, LeaseExpired e, long nowMs) {
        JobState job = known(e.getJobId(), e.getAtMs(), record, nowMs);
        if (job == null) {
            return;
        }
        int next = e.getEpoch() + 1;
        if (job.phase() instanceof Phase.Leased l && l.lease().epoch() == e.getEpoch()) {
            long generated = shard.generatedTokens(job);
            shard.dispatcher.ended(job, JobState.servedWhenLost(job.promptTokens(), generated));
            shard.leases.release(job.id());
            shard.waitingSince.put(job.id(), nowMs);
            AttemptEnded ended = job.ended();
            step(job.withPhase(new Phase.AwaitingRelay(next))
                    .withGenerated(generated)
                    .withEnded(ended != null && ended.getEpoch() > e.getEpoch() ? ended : null));
            shard.happened(What.LEASE_EXPIRED, job.id(), e.getEpoch(), l.lease().workerId(), "reason=" + e.getReason());
            shard.effects.add(Records.retrying(job, next));
        } else if (job.phase() instanceof Phase.AwaitingRelay a && a.nextEpoch() == next) {
            shard.effects.add(Records.retrying(job, next));
        }
    }

    private void finished(JobFinished f, long nowMs) {
        Finished known = shard.state.finished(f.getJobId());
        if (known != null) {
            shard.happened(What.JOB_FINISH_REPEATED, f.getJobId(), f.getAttempts(), "", "");
            ReplyAddress to = known.replyTo();
            if (to != null) {
                shard.effects.add(Records.finishedNotice(to, f));
            }
            return;
        }
        JobState job = shard.state.job(f.getJobId());
        if (job == null) {
            if (nowMs - f.getFinishedAtMs() < shard.settings.memoryMs()) {
                JobRecord record = JobRecord.newBuilder().setFinished(f).build();
                shard.state.keepEarly(f.getJobId(), record, nowMs);
            }
            return;
        }
        shard.dispatcher.ended(job, Records.served(job, f, shard.generatedTokens(job)));
        shard.prefixes.remove(job.id());
        shard.leases.release(job.id());
        shard.waitingSince.remove(job.id());
        shard.decidedAt.remove(job.id());
        shard.touchedPools.add(job.pool());
        shard.state.finish(job.id(), nowMs, job.replyTo());
        shard.happened(
                What.JOB_FINISHED,
                job.id(),
                job.phase().attempts(),
                job.phase() instanceof Phase.Leased l ? l.lease().workerId() : "",
                "outcome=" + f.getOutcome().name().replace("JOB_OUTCOME_", "")
                        + (f.getErrorCode().isEmpty() ? "" : " code=" + f.getErrorCode())
                        + " completion_tokens=" + f.getUsage().getCompletionTokens());
        shard.effects.add(Records.finishedNotice(job.replyTo(), f));
    }

    /** The unfinished job that a record is about; what is about a job not known yet is kept for it. */
    private @Nullable JobState known(String jobId, long atMs, JobRecord record, long nowMs) {
        JobState job = shard.state.job(jobId);
        if (job == null && shard.state.finished(jobId) == null && nowMs - atMs < shard.settings.memoryMs()) {
            shard.state.keepEarly(jobId, record, nowMs);
        }
        return job;
    }

    private void step(JobState next) {
        shard.decidedAt.remove(next.id());
        shard.state.put(next);
        shard.touch(next);
    }
}
