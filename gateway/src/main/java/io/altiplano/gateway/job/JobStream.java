package io.altiplano.gateway.job;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One accepted job's answer on its way to one client: the dispatcher puts deltas in, the client's side drains them.
 *
 * <p>Deltas are put in order of their position, so the stream is a prefix of the answer at every moment and its length is
 * what the client was (or will be) given: that prefix is what a next attempt goes on from, and what a cancelled job is
 * billed for when its worker is lost. Tokens and text have positions of their own, because text lags.
 *
 * <p>Memory is bounded: a reader that leaves more than {@code bound} tokens undrained loses the stream.
 */
public final class JobStream implements AnswerStream {
    private final JobId id;
    private final String pool;
    private final ReplyAddress address;
    private final int promptTokens;
    private final int bound;
    private final BiConsumer<JobStream, String> canceller;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<JobEvent> events = new ArrayDeque<>();
    private final List<Runnable> endListeners = new ArrayList<>();
    private @Nullable Runnable ready;
    private int undrainedTokens;
    private int epoch = 1;
    private int[] tokens = new int[64];
    private int tokenCount;
    private int textLength;
    private @Nullable JobEvent end;

    JobStream(
            JobId id,
            String pool,
            ReplyAddress address,
            int promptTokens,
            int bound,
            BiConsumer<JobStream, String> canceller) {
        this.id = id;
        this.pool = pool;
        this.address = address;
        this.promptTokens = promptTokens;
        this.bound = bound;
        this.canceller = canceller;
    }

    /** The job's id. */
    @Override
    public JobId id() {
        return id;
    }

    /** Tokens of the prompt. */
    public int promptTokens() {
        return promptTokens;
    }

    String pool() {
        return pool;
    }

    ReplyAddress address() {
        return address;
    }

    /** Sets what is called, on the dispatcher's thread, whenever there is something to drain; called now if there is. */
    @Override
    public void onReady(Runnable listener) {
        boolean now;
        lock.lock();
        try {
            ready = listener;
            now = !events.isEmpty();
        } finally {
            lock.unlock();
        }
        if (now) {
            listener.run();
        }
    }

    /** Adds what is called once when no more can come, whether or not it was drained; called now if that is so. */
    public void onEnd(Runnable listener) {
        lock.lock();
        try {
            if (end == null) {
                endListeners.add(listener);
                return;
            }
        } finally {
            lock.unlock();
        }
        listener.run();
    }

    /** All that came since the last call; empty if nothing did. Never blocks. */
    @Override
    public List<JobEvent> drain() {
        lock.lock();
        try {
            return drained();
        } finally {
            lock.unlock();
        }
    }

    /** The failure that is all this stream tells, if that is known within {@code patience}; takes nothing out. */
    @Override
    public Optional<JobEvent.Failed> refusedWithin(Duration patience) throws InterruptedException {
        lock.lock();
        try {
            long nanos = patience.toNanos();
            while (events.isEmpty() && end == null && nanos > 0) {
                nanos = changed.awaitNanos(nanos);
            }
            return events.peekFirst() instanceof JobEvent.Failed failed ? Optional.of(failed) : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    private List<JobEvent> drained() {
        List<JobEvent> all = List.copyOf(events);
        events.clear();
        undrainedTokens = 0;
        return all;
    }

    /** The client has gone, or will not wait: the job is cancelled on the platform, and nothing more comes. */
    @Override
    public void cancel(String reason) {
        canceller.accept(this, reason);
    }

    /** Tokens taken in so far, in order and without gaps. */
    int relayedTokens() {
        lock.lock();
        try {
            return tokenCount;
        } finally {
            lock.unlock();
        }
    }

    boolean ended() {
        lock.lock();
        try {
            return end != null;
        } finally {
            lock.unlock();
        }
    }

    /** What came of a delta. */
    enum Taken {
        /** It went on from where the stream stood, at least in part. */
        YES,
        /** It told nothing new, or is of an attempt that is over. */
        STALE,
        /** Something before it is missing. */
        GAP,
        /** The reader is too far behind. */
        OVERFLOW
    }

    /** Takes in a delta. The caller signals ready afterwards, once for all deltas of a poll. */
    Taken take(ReplyDelta delta) {
        lock.lock();
        try {
            if (end != null || delta.getEpoch() < epoch) {
                return Taken.STALE;
            }
            if (delta.getIndex() > tokenCount || delta.getTextOffset() > textLength) {
                return Taken.GAP;
            }
            int knownTokens = tokenCount - delta.getIndex();
            int knownText = textLength - delta.getTextOffset();
            List<TokenOut> fresh = delta.getTokensList()
                    .subList(Math.min(knownTokens, delta.getTokensCount()), delta.getTokensCount());
            String text = delta.getText()
                    .substring(Math.min(knownText, delta.getText().length()));
            if (fresh.isEmpty() && text.isEmpty() && !delta.getLast()) {
                return Taken.STALE;
            }
            undrainedTokens += fresh.size();
            if (undrainedTokens > bound) {
                return Taken.OVERFLOW;
            }
            append(fresh, text);
            if (delta.getLast()) {
                finish(new JobEvent.Completed(delta.getFinishReason(), delta.getUsage()));
            }
            return Taken.YES;
        } finally {
            lock.unlock();
        }
    }

    private void append(List<TokenOut> fresh, String text) {
        if (tokenCount + fresh.size() > tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(tokens.length * 2, tokenCount + fresh.size()));
        }
        for (TokenOut token : fresh) {
            tokens[tokenCount++] = token.getId();
        }
        textLength += text.length();
        if (!fresh.isEmpty() || !text.isEmpty()) {
            events.add(new JobEvent.Delta(List.copyOf(fresh), text));
        }
    }

    private void finish(JobEvent terminal) {
        end = terminal;
        events.add(terminal);
    }

    /** Ends the stream unless it has ended; what was not drained is kept only if {@code keep}. */
    boolean fail(JobEvent.Failed failure, boolean keep) {
        lock.lock();
        try {
            if (end != null) {
                return false;
            }
            if (!keep) {
                events.clear();
            }
            finish(failure);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * From now on only {@code nextEpoch} and later count; the answer to the notice, or nothing when the stream has ended
     * without a whole answer (then a cancellation is already on its way).
     */
    @Nullable
    JobRelayed retrying(int nextEpoch) {
        lock.lock();
        try {
            JobRelayed.Builder answer =
                    JobRelayed.newBuilder().setJobId(id.toString()).setEpoch(nextEpoch);
            if (end instanceof JobEvent.Completed(String finishReason, Usage usage)) {
                return answer.setComplete(true)
                        .setUsage(usage)
                        .setFinishReason(finishReason)
                        .build();
            }
            if (end != null || nextEpoch < epoch) {
                return null;
            }
            epoch = nextEpoch;
            for (int i = 0; i < tokenCount; i++) {
                answer.addRelayedTokens(tokens[i]);
            }
            return answer.setRelayedTextLength(textLength).build();
        } finally {
            lock.unlock();
        }
    }

    /** Wakes the reader, and after the end everyone who waited for it. */
    void signal() {
        @Nullable Runnable listener;
        List<Runnable> ended;
        lock.lock();
        try {
            changed.signalAll();
            listener = ready;
            ended = end == null ? List.of() : List.copyOf(endListeners);
            if (end != null) {
                endListeners.clear();
            }
        } finally {
            lock.unlock();
        }
        if (listener != null) {
            listener.run();
        }
        ended.forEach(Runnable::run);
    }

    /** Waits for the end, for tests and shutdown; true if it came. */
    boolean awaitEnd(Duration patience) throws InterruptedException {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(patience.toMillis());
            while (end == null && nanos > 0) {
                nanos = changed.awaitNanos(nanos);
            }
            return end != null;
        } finally {
            lock.unlock();
        }
    }
}
