package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;
import java.util.List;
import java.util.Optional;

/**
 * The jobs of one pool that wait or run, and whose turn it is. A job waits ({@link #add}), is promised to a worker
 * ({@link #take}), has its lease read back ({@link #begin}) and ends ({@link #end}). Disciplines differ in {@link #head()}
 * alone. Not thread-safe.
 */
public interface JobQueue {
    /**
     * One job.
     *
     * @param jobId the job
     * @param jobClass INTERACTIVE, BATCH or TRAINING
     * @param tenant whose share it uses
     * @param project whose share of the tenant's share it uses
     * @param weight the tenant's weight, at least 1
     * @param cost estimated tokens, prompt included, at least 1
     * @param arrival position in the submissions log: ascending in order of arrival, kept over retries
     * @param deadlineMs when it should be over, Unix milliseconds; 0 for none
     * @param tenantLimit most jobs of the tenant that may run at once in this pool; 0 for no limit
     * @param projectLimit the same of the project
     */
    record Entry(
            String jobId,
            JobClass jobClass,
            String tenant,
            String project,
            int weight,
            long cost,
            long arrival,
            long deadlineMs,
            int tenantLimit,
            int projectLimit) {
        /** Above this a job is charged no more: a wrong estimate must not overflow a tag. */
        public static final long MOST_COST = 1L << 30;

        public Entry {
            if (weight < 1) {
                throw new IllegalArgumentException("weight " + weight + " of tenant " + tenant + ": at least 1");
            }
            if (cost < 1 || cost > MOST_COST) {
                throw new IllegalArgumentException("cost " + cost + " of job " + jobId + ": 1 to " + MOST_COST);
            }
        }
    }

    /** A job waits; no effect if it waits or runs already. */
    void add(Entry entry);

    /** The job whose turn it is among those that no limit holds back; it stays in the queue. */
    Optional<Entry> head();

    /** The waiting job is promised to a worker: it counts as running and its flow is charged, until {@link #remove} at least. */
    void take(String jobId);

    /** A lease was read back, of a job that was taken, waits, or was never seen here. */
    void begin(Entry entry);

    /** Takes out a job that waits or was only promised, as if it had never been here; others are not touched. */
    void remove(String jobId);

    /** An attempt is over, or a job from whatever state: its flow is charged what was served instead of the estimate. */
    void end(String jobId, long servedTokens);

    /** Sets the head's whole project aside, or takes all that was set aside back in; changes nobody's turn otherwise. */
    void park(String jobId);

    /** Sets all jobs of a class aside, until {@link #unparkAll}. */
    default void park(JobClass jobClass) {}

    void unparkAll();

    /** Jobs waiting. */
    int size();

    /** Jobs of a tenant and class waiting. */
    int waiting(String tenant, JobClass jobClass);

    /** What changed of the flows' tags by final charges since the last call; to be stored. */
    default List<Share> drainShares() {
        return List.of();
    }

    /** Puts back what was stored, before any job. */
    default void restore(Share share) {}

    /** Puts back a job that waited when the tags were stored: unlike {@link #add} it moves no tag. */
    default void restoreWaiting(Entry entry) {
        add(entry);
    }

    /** Puts back a job that ran when the tags were stored: they include its charge. */
    default void restoreRunning(Entry entry) {
        begin(entry);
    }
}
