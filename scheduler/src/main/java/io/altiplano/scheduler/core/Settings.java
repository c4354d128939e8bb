package io.altiplano.scheduler.core;

import io.altiplano.scheduler.queue.ClassShares;

/**
 * The core's times and bounds, all in milliseconds of duration unless named otherwise.
 *
 * @param termMs a lease lasts this long after its last confirmation by a heartbeat
 * @param grantFreshMs a worker must have been heard within this to be given new work
 * @param relayTimeoutMs how long a gateway may take to answer Retrying before it is taken for lost; longer than the other
 *     gateways need to say that it is gone, which ends the wait at once
 * @param maxAttempts attempts of one job, at least 1
 * @param redecideMs a decision that was not read back within this is decided again (its producer was lost)
 * @param memoryMs how long finished job ids and superseded boots are remembered
 * @param queueLimit interactive jobs of one tenant that may wait in a pool; beyond it they fail as queue_full
 * @param batchQueueLimit the same of batch and of training jobs
 * @param shares the classes' guaranteed shares
 */
public record Settings(
        long termMs,
        long grantFreshMs,
        long relayTimeoutMs,
        int maxAttempts,
        long redecideMs,
        long memoryMs,
        int queueLimit,
        int batchQueueLimit,
        ClassShares shares) {
    public Settings {
        require(termMs > 0, "termMs", termMs);
        require(grantFreshMs > 0 && grantFreshMs <= termMs, "grantFreshMs (at most termMs)", grantFreshMs);
        require(relayTimeoutMs > 0, "relayTimeoutMs", relayTimeoutMs);
        require(maxAttempts > 0, "maxAttempts", maxAttempts);
        require(redecideMs > 0, "redecideMs", redecideMs);
        require(memoryMs >= 10 * termMs, "memoryMs (at least 10 terms)", memoryMs);
        require(queueLimit > 0, "queueLimit", queueLimit);
        require(batchQueueLimit > 0, "batchQueueLimit", batchQueueLimit);
    }

    /**
     * The platform's values for a lease term: 45 s for relays, 3 attempts, 1 h of memory, 1,000 interactive and 10,000 other
     * jobs waiting for a tenant.
     */
    public static Settings of(long termMs) {
        return new Settings(
                termMs,
                Math.min(termMs, Math.max(termMs * 3 / 10, 1)),
                45_000,
                3,
                2_000,
                3_600_000,
                1_000,
                10_000,
                ClassShares.DEFAULT);
    }

    public Settings withMaxAttempts(int attempts) {
        return new Settings(
                termMs,
                grantFreshMs,
                relayTimeoutMs,
                attempts,
                redecideMs,
                memoryMs,
                queueLimit,
                batchQueueLimit,
                shares);
    }

    public Settings withRelayTimeoutMs(long patience) {
        return new Settings(
                termMs, grantFreshMs, patience, maxAttempts, redecideMs, memoryMs, queueLimit, batchQueueLimit, shares);
    }

    /** With bounds of the queues, in jobs, and shares of the classes. */
    public Settings withQueue(int interactiveLimit, int otherLimit, ClassShares classShares) {
        return new Settings(
                termMs,
                grantFreshMs,
                relayTimeoutMs,
                maxAttempts,
                redecideMs,
                memoryMs,
                interactiveLimit,
                otherLimit,
                classShares);
    }

    private static void require(boolean holds, String name, long value) {
        if (!holds) {
            throw new IllegalArgumentException("scheduler setting " + name + " = " + value + " is out of range");
        }
    }
}
