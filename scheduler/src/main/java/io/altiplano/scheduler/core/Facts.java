package io.altiplano.scheduler.core;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptStarted;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.RunningAttempt;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.core.Effect.What;
import io.altiplano.scheduler.core.Stored.Early;
import io.altiplano.scheduler.core.Stored.Finished;
import io.altiplano.scheduler.core.Stored.Withdrawal;
import io.altiplano.scheduler.fleet.Fleet.Heard;
import io.altiplano.scheduler.fleet.Prefixes;
import io.altiplano.scheduler.lease.Lease;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Takes in what others wrote. A fact is durable in its own topic, so noting it needs no read-back; it makes decisions due
 * but grants and ends nothing itself. Repeats and facts about finished jobs change nothing; those
 * about unknown ones nothing, or wait for their submission.
 */
final class Facts {
    private final Shard shard;
    private final ReadBack readBack;

    Facts(Shard shard, ReadBack readBack) {
        this.shard = shard;
        this.readBack = readBack;
    }

    void submitted(JobSubmitted submitted, LogPointer at, long nowMs) {
        String id = submitted.getJobId();
        Finished finished = shard.state.finished(id);
        if (finished != null || shard.state.job(id) != null) {
            shard.happened(What.JOB_REPEATED, id, 0, "", finished == null ? "unfinished" : "finished");
            return;
        }
        JobState job = JobState.queued(submitted, at);
        Optional<String> invalid = invalid(submitted);
        Withdrawal withdrawn = shard.state.withdrawn(submitted);
        if (invalid.isPresent()) {
            job = job.withCancellation(
                    new Cancellation(JobOutcome.JOB_OUTCOME_FAILED, Cancellation.INVALID_SUBMISSION, invalid.get(), 0));
        } else if (withdrawn != null) {
            job = job.withCancellation(withdrawal(withdrawn.reason()));
        }
        Early early = shard.state.takeEarly(id);
        if (job.cancellation() == null && early == null && queueFull(job)) {
            job = job.withCancellation(new Cancellation(
                    JobOutcome.JOB_OUTCOME_FAILED,
                    Cancellation.QUEUE_FULL,
                    "the tenant has " + shard.dispatcher.waiting(job) + " jobs of this class waiting already",
                    0));
        }
        shard.state.put(job);
        shard.watchDeadline(job, nowMs);
        shard.prefixes.put(id, Prefixes.ofHashes(submitted.getPrefixHashesList()));
        shard.dispatcher.enqueue(job);
        shard.touch(job);
        shard.happened(
                What.JOB_QUEUED,
                id,
                0,
                "",
                "pool=" + job.pool() + " tenant=" + job.submission().getTenantId());
        if (early != null) {
            early.records().forEach(r -> readBack.apply(r, nowMs));
            AttemptEnded ended = early.ended();
            if (ended != null) {
                ended(ended, nowMs);
            }
            JobCancelled cancelled = early.cancelled();
            if (cancelled != null) {
                cancelled(cancelled, nowMs);
            }
        }
    }

    /**
     * Whether a tenant has as many jobs waiting as it may. Not asked before what was decided earlier is applied: jobs that run
     * would be counted.
     */
    private boolean queueFull(JobState job) {
        return shard.caughtUp
                && shard.dispatcher.waiting(job)
                        >= (job.interactive() ? shard.settings.queueLimit() : shard.settings.batchQueueLimit());
    }

    /** Cancels what should be over by now. */
    void deadlines(long nowMs) {
        while (!shard.deadlines.isEmpty() && shard.deadlines.firstKey() <= nowMs) {
            for (String id : shard.deadlines.pollFirstEntry().getValue()) {
                JobState job = shard.state.job(id);
                if (job != null && job.cancellation() == null) {
                    cancel(
                            job,
                            new Cancellation(
                                    JobOutcome.JOB_OUTCOME_CANCELLED,
                                    Cancellation.DEADLINE_EXCEEDED,
                                    "not over by its deadline",
                                    0),
                            nowMs);
                }
            }
        }
    }

    private static Optional<String> invalid(JobSubmitted s) {
        try {
            JobId.parse(s.getJobId());
            Topics.requirePool(s.getPool());
        } catch (IllegalArgumentException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
        if (s.getPromptTokensCount() == 0) {
            return Optional.of("no prompt tokens");
        }
        return s.hasReplyTo() ? Optional.empty() : Optional.of("no reply address");
    }

    void cancelled(JobCancelled cancelled, long nowMs) {
        JobState job = shard.state.job(cancelled.getJobId());
        if (job != null) {
            cancel(
                    job,
                    new Cancellation(
                            JobOutcome.JOB_OUTCOME_CANCELLED,
                            Cancellation.CANCELLED,
                            cancelled.getReason(),
                            cancelled.getRelayedTokens()),
                    nowMs);
        } else if (shard.state.finished(cancelled.getJobId()) == null) {
            shard.state.keepEarly(cancelled, nowMs);
        }
    }

    private static Cancellation withdrawal(String reason) {
        return new Cancellation(JobOutcome.JOB_OUTCOME_CANCELLED, Cancellation.RIGHT_WITHDRAWN, reason, 0);
    }

    void withdrawn(RightWithdrawn right, long nowMs) {
        // A repeat too goes through the jobs: a crash may have kept the withdrawal and lost what followed from it.
        if (shard.state.withdraw(right, nowMs)) {
            shard.happened(
                    What.RIGHT_WITHDRAWN, "", 0, "", "tenant=" + right.getTenantId() + " model=" + right.getModel());
        }
        for (JobState job : List.copyOf(shard.state.jobs())) {
            if (shard.state.withdrawn(job.submission()) != null) {
                cancel(job, withdrawal(right.getReason()), nowMs);
            }
        }
    }

    /**
     * Nobody waits for the jobs of a gateway that is gone. What their clients were given, only their workers know: one that was told
     * to stop counts it, and where that is lost too, nobody is billed.
     */
    void deserted(String gateway, long nowMs) {
        if (gateway.isEmpty()) {
            return;
        }
        shard.happened(What.GATEWAY_LOST, "", 0, "", "gateway=" + gateway);
        for (JobState job : List.copyOf(shard.state.jobs())) {
            if (job.submission().getGateway().equals(gateway)) {
                cancel(
                        job,
                        new Cancellation(
                                JobOutcome.JOB_OUTCOME_FAILED,
                                Cancellation.GATEWAY_LOST,
                                "its gateway is gone, and its client with it",
                                0),
                        nowMs);
            }
        }
    }

    private void cancel(JobState job, Cancellation c, long nowMs) {
        Cancellation before = job.cancellation();
        if (before != null && !before.learnsFrom(c)) {
            return;
        }
        JobState next = job.withCancellation(before == null ? c : before.with(c));
        shard.state.put(next);
        shard.touch(next);
        shard.happened(What.JOB_CANCELLING, job.id(), job.phase().attempts(), "", c.code());
        if (next.phase() instanceof Phase.Leased l && shard.caughtUp) {
            shard.sendCancel(job.pool(), l.lease(), c.code(), nowMs);
        }
    }

    void relayed(JobRelayed relayed, LogPointer at, long nowMs) {
        JobState job = shard.state.job(relayed.getJobId());
        if (job == null || job.phase() instanceof Phase.Queued || job.relayFor(relayed.getEpoch()) != null) {
            return;
        }
        Lease lease = leaseOf(job.id());
        boolean late = lease != null && lease.epoch() == relayed.getEpoch();
        if (!late && relayed.getEpoch() != job.phase().attempts() + 1) {
            return;
        }
        JobState next = job.withRelay(new Relay(
                relayed.getEpoch(),
                at,
                relayed.getRelayedTokensCount(),
                relayed.getComplete(),
                relayed.getUsage(),
                relayed.getFinishReason()));
        shard.state.put(next);
        if (lease != null && late) {
            readBack.sendGrant(next, lease, nowMs);
        }
        resume(next);
        shard.touch(next);
    }

    /** A job whose gateway has answered waits for a worker again. */
    void resume(JobState job) {
        Relay relay = job.relay();
        if (job.phase() instanceof Phase.AwaitingRelay a
                && a.nextEpoch() <= shard.settings.maxAttempts()
                && job.cancellation() == null
                && !shard.decidedAt.containsKey(job.id())
                && relay != null
                && relay.epoch() == a.nextEpoch()
                && !relay.complete()) {
            requeue(job, a.nextEpoch() - 1);
            shard.happened(What.JOB_RESUMED, job.id(), a.nextEpoch(), "", "relayed=" + relay.tokens());
        }
    }

    /** A job that nobody reads as it is made begins anew where its gateway does not answer. */
    void restart(JobState job) {
        if (job.phase() instanceof Phase.AwaitingRelay a
                && a.nextEpoch() <= shard.settings.maxAttempts()
                && job.cancellation() == null) {
            requeue(job.withRelay(null), a.nextEpoch() - 1);
            shard.happened(What.JOB_RESTARTED, job.id(), a.nextEpoch(), "", "no gateway answered");
        }
    }

    private void requeue(JobState job, int lastEpoch) {
        JobState next = job.withPhase(new Phase.Queued(lastEpoch));
        shard.waitingSince.remove(job.id());
        shard.state.put(next);
        shard.dispatcher.enqueue(next);
        shard.touch(next);
    }

    void started(AttemptStarted s, long nowMs) {
        if (leaseOf(s.getJobId()) instanceof Lease lease
                && lease.heldBy(s.getEpoch(), s.getWorkerId(), s.getBootId())) {
            shard.leases.renew(s.getJobId(), false, 0, nowMs);
        }
    }

    private @Nullable Lease leaseOf(String jobId) {
        JobState job = shard.state.job(jobId);
        return job != null && job.phase() instanceof Phase.Leased l ? l.lease() : null;
    }

    void ended(AttemptEnded e, long nowMs) {
        JobState job = shard.state.job(e.getJobId());
        if (job == null) {
            if (shard.state.finished(e.getJobId()) == null) {
                shard.state.keepEarly(e, nowMs);
            }
            return;
        }
        Lease lease = leaseOf(job.id());
        boolean held = lease != null && lease.heldBy(e.getEpoch(), e.getWorkerId(), e.getBootId());
        AttemptEnded known = job.ended();
        boolean knownHeld = known != null
                && lease != null
                && lease.heldBy(known.getEpoch(), known.getWorkerId(), known.getBootId());
        if (knownHeld) {
            return;
        }
        if (held || e.getEpoch() > job.phase().attempts()) {
            JobState next = job.withEnded(e);
            shard.state.put(next);
            shard.touch(next);
        } else {
            shard.happened(What.ATTEMPT_END_FENCED, job.id(), e.getEpoch(), e.getWorkerId(), "boot=" + e.getBootId());
        }
    }

    void heard(WorkerHeartbeat beat, long nowMs) {
        Heard heard = shard.fleet.hear(beat, nowMs);
        if (heard == Heard.STALE) {
            return;
        }
        if (heard == Heard.NEW_BOOT) {
            shard.fleet.boot(beat.getPool(), beat.getWorkerId()).ifPresent(shard.state::bootChanged);
            shard.happened(What.WORKER_BOOTED, "", 0, beat.getWorkerId(), "boot=" + beat.getBootId());
            shard.leases
                    .of(beat.getWorkerId())
                    .forEach(h -> shard.touched.add(h.lease().jobId()));
        }
        for (RunningAttempt r : beat.getRunningList()) {
            listed(beat, r, nowMs);
        }
        shard.touchedPools.add(beat.getPool());
    }

    /** A listed attempt is confirmed if it holds the lease, and stopped if it should not run. */
    private void listed(WorkerHeartbeat beat, RunningAttempt r, long nowMs) {
        JobState job = shard.state.job(r.getJobId());
        Lease claimed = new Lease(r.getJobId(), r.getEpoch(), beat.getWorkerId(), beat.getBootId(), beat.getOrdinal());
        if (job == null) {
            if (shard.caughtUp && shard.state.finished(r.getJobId()) != null) {
                shard.sendCancel(beat.getPool(), claimed, "finished", nowMs);
            }
            return;
        }
        if (claimed.equals(leaseOf(job.id()))) {
            shard.leases.renew(job.id(), true, r.getGeneratedTokens(), nowMs);
            Cancellation c = job.cancellation();
            if (c != null && shard.caughtUp) {
                shard.sendCancel(beat.getPool(), claimed, c.code(), nowMs);
            }
        } else if (shard.caughtUp && r.getEpoch() <= job.phase().attempts()) {
            shard.sendCancel(beat.getPool(), claimed, "fenced", nowMs);
        }
    }
}
