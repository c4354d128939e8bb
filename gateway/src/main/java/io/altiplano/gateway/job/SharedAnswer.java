package io.altiplano.gateway.job;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.TokenOut;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is kept as it comes, for any number of readers, each from its beginning. It outlives them: who hangs up
 * cancels nothing, for the same request may be sent again.
 */
final class SharedAnswer {
    private final JobId id;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<JobEvent> events = new ArrayList<>();
    private final List<Reader> readers = new CopyOnWriteArrayList<>();
    private boolean ended;

    SharedAnswer(JobId id) {
        this.id = id;
    }

    JobId id() {
        return id;
    }

    /** An answer that is whole, as it was kept. */
    static SharedAnswer of(JobId id, ReplyDelta kept) {
        SharedAnswer answer = new SharedAnswer(id);
        answer.add(List.of(
                new JobEvent.Delta(kept.getTokensList(), kept.getText()),
                new JobEvent.Completed(kept.getFinishReason(), kept.getUsage())));
        return answer;
    }

    /** The whole answer in one record to keep; null if there is none. */
    @Nullable
    ReplyDelta whole() {
        lock.lock();
        try {
            ReplyDelta.Builder all = ReplyDelta.newBuilder().setJobId(id.toString());
            StringBuilder text = new StringBuilder();
            List<TokenOut> tokens = new ArrayList<>();
            for (JobEvent event : events) {
                switch (event) {
                    case JobEvent.Delta delta -> {
                        text.append(delta.text());
                        tokens.addAll(delta.tokens());
                    }
                    case JobEvent.Completed completed -> {
                        return all.setText(text.toString())
                                .addAllTokens(tokens)
                                .setLast(true)
                                .setFinishReason(completed.finishReason())
                                .setUsage(completed.usage())
                                .build();
                    }
                    case JobEvent.Failed failed -> {
                        return null;
                    }
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    /** Adds what came; nothing after the end. */
    void add(List<JobEvent> more) {
        lock.lock();
        try {
            for (JobEvent event : more) {
                if (!ended) {
                    events.add(event);
                    ended = !(event instanceof JobEvent.Delta);
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        readers.forEach(Reader::signal);
    }

    /** Whether nothing more comes. */
    boolean ended() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /** Whether somebody reads who has not gone. */
    boolean read() {
        return !readers.isEmpty();
    }

    /** A reader from the beginning. */
    AnswerStream reader() {
        Reader reader = new Reader();
        readers.add(reader);
        return reader;
    }

    private final class Reader implements AnswerStream {
        private int at;
        private boolean gone;
        private volatile @Nullable Runnable ready;

        @Override
        public JobId id() {
            return id;
        }

        @Override
        public void onReady(Runnable listener) {
            ready = listener;
            signal();
        }

        void signal() {
            Runnable listener = ready;
            if (listener != null) {
                listener.run();
            }
        }

        @Override
        public List<JobEvent> drain() {
            lock.lock();
            try {
                return drained();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public Optional<JobEvent.Failed> refusedWithin(Duration patience) throws InterruptedException {
            lock.lock();
            try {
                long nanos = patience.toNanos();
                while (events.isEmpty() && nanos > 0) {
                    nanos = changed.awaitNanos(nanos);
                }
                return !events.isEmpty() && events.getFirst() instanceof JobEvent.Failed failed
                        ? Optional.of(failed)
                        : Optional.empty();
            } finally {
                lock.unlock();
            }
        }

        private List<JobEvent> drained() {
            if (gone) {
                return List.of(new JobEvent.Failed("cancelled", "The client has gone."));
            }
            List<JobEvent> fresh = List.copyOf(events.subList(at, events.size()));
            at = events.size();
            return fresh;
        }

        /** This reader reads no further; the job goes on, and its answer is kept. */
        @Override
        public void cancel(String reason) {
            readers.remove(this);
            lock.lock();
            try {
                gone = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            signal();
        }
    }
}
