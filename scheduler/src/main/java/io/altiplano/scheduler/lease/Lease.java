package io.altiplano.scheduler.lease;

/**
 * One attempt's right to a job. Only what comes from this epoch, worker and boot counts.
 *
 * @param jobId the job
 * @param epoch 1 for the first attempt
 * @param workerId who holds it
 * @param bootId which incarnation of that worker
 * @param ordinal the worker's partition of its work topic
 */
public record Lease(String jobId, int epoch, String workerId, String bootId, int ordinal) {
    /** Whether a record that names these comes from the holder. */
    public boolean heldBy(int otherEpoch, String otherWorker, String otherBoot) {
        return epoch == otherEpoch && workerId.equals(otherWorker) && bootId.equals(otherBoot);
    }
}
