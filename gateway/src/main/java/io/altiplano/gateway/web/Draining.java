package io.altiplano.gateway.web;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Whether the gateway is on its way down and takes no new work, and how many requests are still under way. */
@ApplicationScoped
public class Draining {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition quiet = lock.newCondition();
    private volatile boolean announced;
    private volatile boolean started;
    private int underWay;

    /** From now on the gateway is not ready, and each answer asks its connection to go elsewhere; requests are still taken. */
    public void announce() {
        announced = true;
    }

    /** Whether it is on its way down, be it that it still takes requests. */
    public boolean announced() {
        return announced;
    }

    /** From now on new requests are answered with 503. */
    public void start() {
        announced = true;
        started = true;
    }

    /** Whether it has begun. */
    public boolean started() {
        return started;
    }

    /** A request has come. */
    public void enter() {
        lock.lock();
        try {
            underWay++;
        } finally {
            lock.unlock();
        }
    }

    /** A request has ended. */
    public void leave() {
        lock.lock();
        try {
            underWay--;
            if (underWay == 0) {
                quiet.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no request is under way; false if that took longer than {@code patience}. */
    public boolean awaitQuiet(Duration patience) throws InterruptedException {
        lock.lock();
        try {
            long nanos = patience.toNanos();
            while (underWay > 0 && nanos > 0) {
                nanos = quiet.awaitNanos(nanos);
            }
            return underWay == 0;
        } finally {
            lock.unlock();
        }
    }
}
