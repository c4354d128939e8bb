package io.altiplano.worker.agent;

import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.worker.engine.AdapterStore;
import io.altiplano.worker.engine.Generation;
import io.altiplano.worker.model.LoraAdapter;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a job, from its grant until its end is acknowledged. How it is to end when it is stopped is decided by the
 * first stop: cancelled by the scheduler, faulted by a drain, or silently when the leases may be lost.
 */
final class Attempt {
    /** Why an attempt is stopped from outside. */
    enum Stop {
        CANCELLED,
        DRAINED,
        ABANDONED
    }

    private final String jobId;
    private final int epoch;
    private @Nullable Stop stop;
    private @Nullable Generation generation;
    private @Nullable ReplyStream replies;
    private AdapterStore.@Nullable Lease lease;
    private boolean ended;

    Attempt(Grant grant) {
        this.jobId = grant.getJobId();
        this.epoch = grant.getEpoch();
    }

    String jobId() {
        return jobId;
    }

    int epoch() {
        return epoch;
    }

    /** Stops it; if it already generates, within a step. Returns whether it had not begun to generate. */
    synchronized boolean stop(Stop why) {
        if (stop == null || why == Stop.ABANDONED) {
            stop = why;
        }
        if (generation != null) {
            generation.cancel();
        }
        return generation == null;
    }

    /** Why it was stopped, if it was. */
    synchronized @Nullable Stop stopped() {
        return stop;
    }

    /** It generates now; a stop that came before takes effect at once. */
    synchronized void generating(Generation started) {
        generation = started;
        if (stop != null) {
            started.cancel();
        }
    }

    /** The first caller ends it; later ones are told that it has ended. */
    synchronized boolean end() {
        boolean first = !ended;
        ended = true;
        return first;
    }

    /** Whether the model has not begun to read its prompt. */
    synchronized boolean queued() {
        return generation == null || !generation.hasBegun();
    }

    synchronized long generatedTokens() {
        return generation == null ? 0 : generation.completionTokens();
    }

    void replyTo(ReplyAddress address, boolean stream) {
        replies = new ReplyStream(jobId, epoch, address, stream);
    }

    /** It holds an adapter until {@link #releaseAdapter}. */
    synchronized void adapter(AdapterStore.Lease taken) {
        lease = taken;
    }

    synchronized @Nullable LoraAdapter adapter() {
        return lease == null ? null : lease.adapter();
    }

    /** Nothing computes with the adapter any more; does nothing if there is none. */
    synchronized void releaseAdapter() {
        if (lease != null) {
            lease.close();
            lease = null;
        }
    }

    ReplyStream replies() {
        return Objects.requireNonNull(replies, "an attempt generates only after its reply address is known");
    }

    static AttemptOutcome outcome(Stop stop) {
        return stop == Stop.CANCELLED
                ? AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED
                : AttemptOutcome.ATTEMPT_OUTCOME_FAULTED;
    }
}
