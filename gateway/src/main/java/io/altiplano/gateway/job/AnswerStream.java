package io.altiplano.gateway.job;

import io.altiplano.contracts.JobId;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** An accepted job's answer as one client reads it: any number of deltas, then exactly one of the other events. */
public interface AnswerStream {
    /** The job's id. */
    JobId id();

    /** Sets what is called, on any thread, whenever there is something to drain; called now if there is. */
    void onReady(Runnable listener);

    /** All that came since the last call; empty if nothing did. Never blocks. */
    List<JobEvent> drain();

    /** The failure that is all this stream tells, if that is known within {@code patience}; takes nothing out. */
    Optional<JobEvent.Failed> refusedWithin(Duration patience) throws InterruptedException;

    /** The client has gone, or will not wait; nothing more comes. */
    void cancel(String reason);
}
