package io.altiplano.gateway.licence;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Wakes those who end rights before their time. Rings that come together are one; a lost ring costs a period and no more. */
@ApplicationScoped
public class Alarm {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition rung = lock.newCondition();
    private long rings;

    void ring() {
        lock.lock();
        try {
            rings++;
            rung.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for a ring after {@code heard}, at most this long.
     *
     * @param heard what the last call gave, 0 at first
     */
    long await(long heard, Duration longest) throws InterruptedException {
        lock.lock();
        try {
            long nanos = longest.toNanos();
            while (rings == heard && nanos > 0) {
                nanos = rung.awaitNanos(nanos);
            }
            return rings;
        } finally {
            lock.unlock();
        }
    }
}
