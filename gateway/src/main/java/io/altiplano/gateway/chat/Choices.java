package io.altiplano.gateway.chat;

import io.altiplano.gateway.job.AnswerStream;
import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.usage.LedgerEntry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The answers of one request, each a job with a stream of its own, read as one. A job that fails takes the others with it: they
 * are cancelled, and nothing is read after its failure. For one reader at a time.
 */
public final class Choices {
    private final List<AnswerStream> streams;
    private final Semaphore news = new Semaphore(0);
    private boolean listening;
    private boolean failed;

    /**
     * What one answer's stream tells.
     *
     * @param choice which answer, from 0
     */
    public record Event(int choice, JobEvent event) {}

    /** Of at least one stream, in the order of the answers. */
    Choices(List<? extends AnswerStream> streams) {
        this.streams = List.copyOf(streams);
    }

    /** How many answers there are. */
    public int count() {
        return streams.size();
    }

    /** The job of the first answer, which stands for the request. */
    public AnswerStream first() {
        return streams.getFirst();
    }

    /** Sets what is called, on the dispatcher's thread, whenever there is something to drain; called now if there is. */
    public void onReady(Runnable listener) {
        streams.forEach(stream -> stream.onReady(listener));
    }

    /** All that came since the last call, a failure last; empty if nothing did. Never blocks. */
    public List<Event> drain() {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < streams.size() && !failed; i++) {
            for (JobEvent event : streams.get(i).drain()) {
                events.add(new Event(i, event));
                failed |= event instanceof JobEvent.Failed;
            }
        }
        if (failed) {
            cancel(LedgerEntry.CHOICE_FAILED);
        }
        return events;
    }

    /** As {@link #drain}, after waiting at most {@code patience} for something to come. */
    public List<Event> await(Duration patience) throws InterruptedException {
        if (!listening) {
            listening = true;
            onReady(news::release);
        }
        if (news.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
            news.drainPermits();
        }
        return drain();
    }

    /**
     * The failure that is all one of the answers tells, if that is known within {@code patience}: the others are cancelled then. Takes
     * nothing out.
     */
    public Optional<JobEvent.Failed> refusedWithin(Duration patience) throws InterruptedException {
        Duration left = patience;
        for (AnswerStream stream : streams) {
            Optional<JobEvent.Failed> refused = stream.refusedWithin(left);
            if (refused.isPresent()) {
                cancel(LedgerEntry.CHOICE_FAILED);
                return refused;
            }
            left = Duration.ZERO;
        }
        return Optional.empty();
    }

    /** The client has gone, or will not wait: what runs is cancelled, and nothing more comes. */
    public void cancel(String reason) {
        streams.forEach(stream -> stream.cancel(reason));
    }
}
