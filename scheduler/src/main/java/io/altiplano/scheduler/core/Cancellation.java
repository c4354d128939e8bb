package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.JobOutcome;

/**
 * Why a job is to end without an answer.
 *
 * @param outcome CANCELLED, or FAILED for a submission that no worker could be asked to run, or whose gateway is gone
 * @param code error code of the terminal record
 * @param message for people
 * @param relayedTokens tokens the client was given: what is billed if the worker is lost too
 * @param lastWord whether no gateway has more to say about the job: one called it back, or it is gone
 */
public record Cancellation(JobOutcome outcome, String code, String message, int relayedTokens, boolean lastWord) {
    Cancellation(JobOutcome outcome, String code, String message, int relayedTokens) {
        this(outcome, code, message, relayedTokens, code.equals(CANCELLED) || code.equals(GATEWAY_LOST));
    }

    /** Whether another one tells something that this one does not know. */
    boolean learnsFrom(Cancellation other) {
        return other.relayedTokens > relayedTokens || (other.lastWord && !lastWord);
    }

    /** What is known with another one that came later: the first reason, and the most that a client was given. */
    Cancellation with(Cancellation other) {
        return new Cancellation(
                outcome, code, message, Math.max(relayedTokens, other.relayedTokens), lastWord || other.lastWord);
    }

    /** Whether a gateway said how much its client was given; a withdrawn right does not know. */
    boolean gatewayTold() {
        return code.equals(CANCELLED) || relayedTokens > 0;
    }

    /** The client or an operator cancelled. */
    static final String CANCELLED = "cancelled";
    /** The gateway is gone, and its client with it: it did not answer Retrying, or the other gateways say so. */
    static final String GATEWAY_LOST = "gateway_lost";
    /** A licence, tier or key ended. */
    static final String RIGHT_WITHDRAWN = "right_withdrawn";
    /** A submission that breaks the contract. */
    static final String INVALID_SUBMISSION = "invalid_submission";
    /** The tenant has as many jobs waiting as it may. */
    static final String QUEUE_FULL = "queue_full";

    /** The job was not over by its deadline. */
    static final String DEADLINE_EXCEEDED = "deadline_exceeded";

    /** Every attempt was lost. */
    static final String ATTEMPTS_EXHAUSTED = "attempts_exhausted";
}
