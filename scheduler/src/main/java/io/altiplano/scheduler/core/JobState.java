package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.scheduler.placement.Placement;
import org.jspecify.annotations.Nullable;

/**
 * All that survives a restart about an unfinished job. Every decision about it follows from this and time, so a decision
 * that was lost with its producer is made again.
 *
 * @param submission the job without its content (no prompt tokens, prefix hashes or stop strings; of the sampling only which of
 *     its request's answers it is)
 * @param at where in {@code submissions} it stands; its offset is its order of arrival
 * @param promptTokens length of the prompt
 * @param phase where it stands
 * @param cancellation set once it is to end without an answer
 * @param ended the end of the present lease's attempt; or of a later one than is known yet (topics are read in any order)
 * @param relay the gateway's answer to the last or next Retrying
 * @param generatedTokens the most that a lost worker's heartbeats told of: billed if worker and gateway are both lost
 * @param fingerprint numerics fingerprint of the last attempt's worker; empty for none
 */
public record JobState(
        JobSubmitted submission,
        LogPointer at,
        int promptTokens,
        Phase phase,
        @Nullable Cancellation cancellation,
        @Nullable AttemptEnded ended,
        @Nullable Relay relay,
        long generatedTokens,
        String fingerprint) {

    static JobState queued(JobSubmitted job, LogPointer at) {
        JobSubmitted compact = job.toBuilder()
                .clearPromptTokens()
                .clearPrefixHashes()
                .setSampling(Sampling.newBuilder().setChoice(job.getSampling().getChoice()))
                .build();
        return new JobState(compact, at, job.getPromptTokensCount(), new Phase.Queued(0), null, null, null, 0, "");
    }

    public String id() {
        return submission.getJobId();
    }

    public String pool() {
        return submission.getPool();
    }

    ReplyAddress replyTo() {
        return submission.getReplyTo();
    }

    /** Somebody waits for it token by token or for one answer; nothing else is cancelled for want of a reader. */
    boolean interactive() {
        return submission.getJobClass() != JobClass.JOB_CLASS_BATCH
                && submission.getJobClass() != JobClass.JOB_CLASS_TRAINING;
    }

    /** Workers let it give way to interactive jobs. Training holds reserved memory and yields by its steps' length. */
    boolean yields() {
        return submission.getJobClass() == JobClass.JOB_CLASS_BATCH;
    }

    /** The gateway's answer that the attempt of an epoch goes on from. */
    @Nullable
    Relay relayFor(int epoch) {
        return relay != null && relay.epoch() == epoch ? relay : null;
    }

    /** Tokens the client is known to have been given. */
    int relayedTokens() {
        int byRelay = relay == null ? 0 : relay.tokens();
        return cancellation == null ? byRelay : Math.max(byRelay, cancellation.relayedTokens());
    }

    JobState withPhase(Phase next) {
        return new JobState(
                submission, at, promptTokens, next, cancellation, ended, relay, generatedTokens, fingerprint);
    }

    JobState withCancellation(Cancellation next) {
        return new JobState(submission, at, promptTokens, phase, next, ended, relay, generatedTokens, fingerprint);
    }

    JobState withEnded(@Nullable AttemptEnded next) {
        return new JobState(
                submission, at, promptTokens, phase, cancellation, next, relay, generatedTokens, fingerprint);
    }

    JobState withRelay(@Nullable Relay next) {
        return new JobState(
                submission, at, promptTokens, phase, cancellation, ended, next, generatedTokens, fingerprint);
    }

    JobState withGenerated(long tokens) {
        return new JobState(submission, at, promptTokens, phase, cancellation, ended, relay, tokens, fingerprint);
    }

    JobState withFingerprint(String next) {
        return new JobState(submission, at, promptTokens, phase, cancellation, ended, relay, generatedTokens, next);
    }

    /** Tokens it may take: the gateway's estimate; where there is none, the prompt, which is the least. */
    long cost() {
        return Math.max(submission.getEstimatedCost(), promptTokens);
    }

    /** KV blocks it may come to use. */
    long blocks() {
        return Placement.blocksFor(cost());
    }

    /** What the present attempt is known to have used, should its worker be lost: nothing if it was not seen to run. */
    static long servedWhenLost(int promptTokens, long generated) {
        return generated == 0 ? 0 : promptTokens + generated;
    }
}
