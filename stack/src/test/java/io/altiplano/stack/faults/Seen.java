package io.altiplano.stack.faults;

import org.jspecify.annotations.Nullable;

/**
 * One request as its client saw it. Nothing here is read from the platform's {@code usage}.
 *
 * @param tenant whose key it used
 * @param question number of the question, equal for equal prompt, seed and limits
 * @param key the Idempotency-Key that it carried, if any: one that several requests carry is one request, asked again
 * @param stream whether it read token by token
 * @param end how it ended
 * @param job the job's id; null while none was told
 * @param status HTTP status, 0 if none came
 * @param code the error's code, empty if there was none
 * @param retryAfter whether a refusal told when to come back
 * @param promptTokens by the client's own tokenizer
 * @param tokens entries of {@code logprobs.content} that came
 * @param text what came of the answer
 * @param sentNanos when it was sent, by a monotonic clock
 * @param firstNanos when the first token came, 0 if none did
 * @param endNanos when it was over
 */
record Seen(
        String tenant,
        int question,
        @Nullable String key,
        boolean stream,
        End end,
        @Nullable String job,
        int status,
        String code,
        boolean retryAfter,
        int promptTokens,
        int tokens,
        String text,
        long sentNanos,
        long firstNanos,
        long endNanos) {

    /** The status of a tenant that has had enough. */
    static final int TOO_MUCH = 429;

    /** How a request ended for its client. */
    enum End {
        /** The answer is whole: it has a finish reason, and a stream its {@code [DONE]}. */
        WHOLE,
        /** An HTTP status of 400 or more came instead of an answer. */
        REFUSED,
        /** The stream ended with an error event. */
        ERROR_EVENT,
        /** The connection broke after an answer had begun. */
        CUT,
        /** The client hung up by its own will after a part of the answer. */
        LEFT,
        /** The connection broke before a status came: whether a job was accepted is not known to the client. */
        UNANSWERED
    }

    /** The same, but when. */
    Seen at(long sent, long first, long end) {
        return new Seen(
                tenant,
                question,
                key,
                stream,
                this.end,
                job,
                status,
                code,
                retryAfter,
                promptTokens,
                tokens,
                text,
                sent,
                first,
                end);
    }

    /** Whether the platform had accepted the job, as far as the client can tell. */
    boolean accepted() {
        return job != null;
    }
}
