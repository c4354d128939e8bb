package io.altiplano.worker.collective;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * A barrier for a fixed number of threads that spins for a few microseconds, then parks: the cores are shared with other
 * processes, and a spinning rank would take the time its partner needs. Aborting it releases everyone with an exception.
 */
final class RankBarrier {
    private static final int SPINS = 400;

    private final int parties;
    private final AtomicInteger arrived = new AtomicInteger();
    private final AtomicReferenceArray<Thread> parked;
    private volatile int generation;
    private volatile boolean aborted;

    RankBarrier(int parties) {
        this.parties = parties;
        this.parked = new AtomicReferenceArray<>(parties);
    }

    /**
     * Waits until all parties have arrived.
     *
     * @throws CollectiveAbortedException if a party failed instead of arriving
     */
    void await(int party) {
        int now = generation;
        if (arrived.incrementAndGet() == parties) {
            arrived.set(0);
            generation = now + 1;
            wakeAll();
        } else {
            waitForChange(party, now);
        }
        if (aborted) {
            throw new CollectiveAbortedException();
        }
    }

    private void waitForChange(int party, int now) {
        for (int i = 0; i < SPINS; i++) {
            if (generation != now || aborted) {
                return;
            }
            Thread.onSpinWait();
        }
        parked.set(party, Thread.currentThread());
        while (generation == now && !aborted) {
            LockSupport.park(this);
        }
        parked.set(party, null);
    }

    private void wakeAll() {
        for (int i = 0; i < parties; i++) {
            Thread waiting = parked.get(i);
            if (waiting != null) {
                LockSupport.unpark(waiting);
            }
        }
    }

    /** Releases all who wait or will wait, until {@link #reset}. */
    void abort() {
        aborted = true;
        wakeAll();
    }

    /** Makes the barrier new again; no one may be inside. */
    void reset() {
        arrived.set(0);
        aborted = false;
    }
}
