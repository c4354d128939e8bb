package io.altiplano.scheduler.core;

import io.altiplano.scheduler.lease.Lease;

/**
 * Where an unfinished job stands. It only moves forward, by {@link #rank()}:
 *
 * <pre>
 * Queued(0) → Leased(1) → AwaitingRelay(2) → Queued(1) → Leased(2) → ... → finished
 * </pre>
 *
 * From each of them a job may finish; a finished job has no phase, only a remembered id.
 */
public sealed interface Phase {
    /** Waiting for a worker, after so many attempts. */
    record Queued(int lastEpoch) implements Phase {
        @Override
        public int attempts() {
            return lastEpoch;
        }

        @Override
        public int rank() {
            return 3 * lastEpoch + 2;
        }
    }

    /** Running somewhere, or about to. */
    record Leased(Lease lease) implements Phase {
        @Override
        public int attempts() {
            return lease.epoch();
        }

        @Override
        public int rank() {
            return 3 * lease.epoch();
        }
    }

    /** The last attempt is over; the gateway was asked what it has relayed, for the attempt {@code nextEpoch}. */
    record AwaitingRelay(int nextEpoch) implements Phase {
        @Override
        public int attempts() {
            return nextEpoch - 1;
        }

        @Override
        public int rank() {
            return 3 * (nextEpoch - 1) + 1;
        }
    }

    /** Attempts begun so far. */
    int attempts();

    /** Grows with every step of a job's life. */
    int rank();
}
