package io.altiplano.scheduler.topology;

import io.altiplano.scheduler.core.Effect;

/** Who is told what the scheduler does: logs and metrics. Called on the stream threads; must not block. */
public interface Observer {
    /** Something happened on a partition. */
    void happened(int partition, Effect.Happened happened);

    /** A record that could not be taken in was passed over; it is told of in the dead letters. */
    void skipped(String topic, int partition, long offset, String why);

    /** A partition's present numbers, several times a second. */
    void numbers(int partition, Numbers numbers);

    /** A partition is not this process's any more. */
    void released(int partition);

    /**
     * @param waiting jobs in the queue
     * @param leased jobs promised to workers
     * @param unfinished all jobs not finished
     * @param workers workers that may be given work
     * @param caughtUp whether decisions are being made
     */
    record Numbers(int waiting, int leased, int unfinished, long workers, boolean caughtUp) {}
}
