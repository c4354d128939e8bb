package io.altiplano.scheduler.queue;

import java.util.Optional;

/**
 * The waiting jobs of one pool. A flow is one tenant's jobs; its weight and each job's cost are what a fair discipline
 * shares by. Disciplines differ in {@link #head()} alone. Not thread-safe.
 */
public interface JobQueue {
    /**
     * One waiting job.
     *
     * @param jobId the job
     * @param flow whose share it uses: the tenant's id
     * @param weight the flow's weight, at least 1
     * @param cost estimated tokens, prompt included
     * @param arrival position in the submissions log: ascending in order of arrival, kept over retries
     */
    record Entry(String jobId, String flow, int weight, long cost, long arrival) {
        public Entry {
            if (weight < 1) {
                throw new IllegalArgumentException("weight " + weight + " of flow " + flow + ": at least 1");
            }
        }
    }

    /** Adds a job; adding one that is there already changes nothing. */
    void add(Entry entry);

    /** The job whose turn it is; it stays in the queue. */
    Optional<Entry> head();

    /** Takes a job out, wherever it stands; unknown ids are ignored. */
    void remove(String jobId);

    /** Jobs waiting. */
    int size();
}
