package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.scheduler.fleet.Boot;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.lease.LeaseTable;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is due about a job: a function of what is known of it, of the fleet, and of time. Whoever asks marks the answer as
 * decided; the same question after a crash has the same answer.
 */
final class Rules {
    private final Shard shard;

    Rules(Shard shard) {
        this.shard = shard;
    }

    /** The record that should be written about a job now, but for grants, which the queue's order decides. */
    Optional<JobRecord.Builder> due(JobState job, long nowMs) {
        return Optional.ofNullable(
                switch (job.phase()) {
                    case Phase.Queued q -> dueQueued(job, nowMs);
                    case Phase.Leased l -> dueLeased(job, l.lease(), nowMs);
                    case Phase.AwaitingRelay a -> dueAwaiting(job, a.nextEpoch(), nowMs);
                });
    }

    private JobRecord.@Nullable Builder dueQueued(JobState job, long nowMs) {
        Cancellation c = job.cancellation();
        return c == null ? null : cancel(job, c, nowMs);
    }

    private JobRecord.@Nullable Builder dueLeased(JobState job, Lease lease, long nowMs) {
        AttemptEnded ended = job.ended();
        if (ended != null && lease.heldBy(ended.getEpoch(), ended.getWorkerId(), ended.getBootId())) {
            return dueEnded(job, lease, ended, nowMs);
        }
        String lapse = lapse(job, lease, nowMs);
        return lapse == null ? null : lost(job, lease, lapse, nowMs);
    }

    private JobRecord.@Nullable Builder dueEnded(JobState job, Lease lease, AttemptEnded ended, long nowMs) {
        return switch (ended.getOutcome()) {
            case ATTEMPT_OUTCOME_COMPLETED -> Records.succeeded(job, ended.getUsage(), ended.getFinishReason(), nowMs);
            case ATTEMPT_OUTCOME_CANCELLED -> stopped(job, lease, ended, nowMs);
            case ATTEMPT_OUTCOME_REJECTED -> Records.failed(job, ended.getErrorCode(), ended.getErrorMessage(), nowMs);
            case ATTEMPT_OUTCOME_FAULTED, ATTEMPT_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
                lost(job, lease, shard.fleet.draining(job.pool(), lease.workerId()) ? "draining" : "faulted", nowMs);
        };
    }

    /** A later attempt that was stopped before its prefill counts nothing of what earlier ones gave the client. */
    private static Usage atLeastRelayed(JobState job, Usage counted) {
        if (job.relayedTokens() <= counted.getCompletionTokens()) {
            return counted;
        }
        return counted.toBuilder()
                .setPromptTokens(Math.max(counted.getPromptTokens(), job.promptTokens()))
                .setCompletionTokens(job.relayedTokens())
                .build();
    }

    /**
     * A worker stopped because it was told to. Why is in {@code submissions}, and after a crash may be read again only later:
     * it is waited for as long as for a heartbeat.
     */
    private JobRecord.@Nullable Builder stopped(JobState job, Lease lease, AttemptEnded ended, long nowMs) {
        Cancellation c = job.cancellation();
        if (c != null) {
            return Records.cancelled(job, atLeastRelayed(job, ended.getUsage()), c.code(), c.message(), nowMs);
        }
        return lapse(job, lease, nowMs) == null
                ? null
                : Records.cancelled(
                        job,
                        atLeastRelayed(job, ended.getUsage()),
                        Cancellation.CANCELLED,
                        "the worker was told to stop",
                        nowMs);
    }

    /**
     * An attempt is over without a result: the next one, or the end if nobody wants it any more. Where no gateway has said
     * what its client was given, it is asked first, for that is what is billed.
     */
    private JobRecord.Builder lost(JobState job, Lease lease, String reason, long nowMs) {
        Cancellation c = job.cancellation();
        return c == null || !c.gatewayTold() ? Records.expired(lease, reason, nowMs) : cancel(job, c, nowMs);
    }

    /**
     * Why a lease is over: its worker's new boot, or no heartbeat listed it for a term. Silence counts only once the broker
     * has taken a record of ours after the term's end, so that a scheduler cut off from Kafka does not blame the workers.
     */
    private @Nullable String lapse(JobState job, Lease lease, long nowMs) {
        Optional<Boot> boot = shard.fleet.boot(job.pool(), lease.workerId());
        if (boot.isPresent() && !boot.get().bootId().equals(lease.bootId())) {
            return "rebooted";
        }
        LeaseTable.Held held = shard.leases.held(job.id());
        if (held == null) {
            throw new IllegalStateException("leased job " + job.id() + " has no lease in the table");
        }
        long end = held.renewedAtMs() + shard.settings.termMs();
        if (nowMs < end) {
            return null;
        }
        if (shard.provenAtMs < end) {
            shard.doubt = true;
            return null;
        }
        return "silent";
    }

    private JobRecord.@Nullable Builder dueAwaiting(JobState job, int nextEpoch, long nowMs) {
        Relay relay = job.relayFor(nextEpoch);
        if (relay != null && relay.complete()) {
            return Records.succeeded(job, relay.usage(), relay.finishReason(), nowMs);
        }
        boolean answered = relay != null;
        boolean overdue = relayOverdue(job, nowMs);
        Cancellation c = job.cancellation();
        if (c != null) {
            return c.gatewayTold() || c.lastWord() || answered || overdue ? cancel(job, c, nowMs) : null;
        }
        if ((answered || overdue) && nextEpoch > shard.settings.maxAttempts()) {
            return Records.failed(
                    job,
                    Cancellation.ATTEMPTS_EXHAUSTED,
                    shard.settings.maxAttempts() + " attempts were lost; the job may be what ends its workers",
                    nowMs);
        }
        if (overdue && !answered && job.interactive()) {
            // Worker and gateway are both lost, and with them all knowledge of what the client was given: nobody can be
            // billed.
            return Records.failed(
                    job,
                    Cancellation.GATEWAY_LOST,
                    "no gateway answered within " + shard.settings.relayTimeoutMs() + " ms of the worker's loss",
                    nowMs);
        }
        return null;
    }

    boolean relayOverdue(JobState job, long nowMs) {
        Long since = shard.waitingSince.get(job.id());
        return since != null && nowMs - since >= shard.settings.relayTimeoutMs();
    }

    private JobRecord.Builder cancel(JobState job, Cancellation c, long nowMs) {
        return c.outcome() == JobOutcome.JOB_OUTCOME_FAILED
                ? Records.failed(job, c.code(), c.message(), nowMs)
                : Records.cancelled(job, bill(job), c.code(), c.message(), nowMs);
    }

    /**
     * What a job costs whose worker cannot tell: nothing before the first attempt; then the prompt and what the client was
     * given, or, where no gateway could tell either, what heartbeats told of.
     */
    private Usage bill(JobState job) {
        if (job.phase().attempts() == 0) {
            return Usage.getDefaultInstance();
        }
        Cancellation c = job.cancellation();
        long completion = c != null && c.gatewayTold()
                ? job.relayedTokens()
                : Math.max(job.relayedTokens(), shard.generatedTokens(job));
        return Usage.newBuilder()
                .setPromptTokens(job.promptTokens())
                .setCompletionTokens(completion)
                .build();
    }
}
