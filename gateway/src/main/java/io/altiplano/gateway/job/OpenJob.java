package io.altiplano.gateway.job;

import io.altiplano.gateway.job.EndedRights.Right;
import java.time.Duration;

/**
 * A job that this gateway knows.
 *
 * @param right by which it was permitted, at the licence epoch
 * @param apiKeyId of the key with which it was asked for; may be empty
 * @param refused its client was told that nothing was accepted
 * @param untilNanos when the sweep acts on it, whatever it is then; by the monotonic clock, as the other may jump ahead and end every
 *     answer at once
 */
record OpenJob(JobStream stream, Right right, long licenceEpoch, String apiKeyId, boolean refused, long untilNanos) {
    OpenJob(JobStream stream, Right right, long licenceEpoch, String apiKeyId, Duration left) {
        this(stream, right, licenceEpoch, apiKeyId, false, System.nanoTime() + left.toNanos());
    }

    OpenJob leaving(Duration left) {
        return new OpenJob(stream, right, licenceEpoch, apiKeyId, left);
    }

    /** Its client was told that nothing was accepted. */
    OpenJob refused(Duration left) {
        return new OpenJob(stream, right, licenceEpoch, apiKeyId, true, System.nanoTime() + left.toNanos());
    }

    boolean due(long nanos) {
        return untilNanos - nanos <= 0;
    }
}
