package io.altiplano.worker.kernel.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads that compute for one rank. Work is handed out in small pieces as threads come for it, never in equal shares: on
 * cores shared with other processes a thread may stop at any time, and its share would stop with it. Helpers spin for a few
 * microseconds, then park; a helper that wakes late finds the work done and costs nothing.
 */
public final class Team implements AutoCloseable {
    private static final int SPINS = 400;

    /** One piece of work; {@code worker} identifies the thread's scratch memory. */
    public interface Body {
        void run(int piece, int worker);
    }

    private static final class Round {
        final Body body;
        final int pieces;
        final Thread caller;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger done = new AtomicInteger();
        final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Round(Body body, int pieces) {
            this.body = body;
            this.pieces = pieces;
            this.caller = Thread.currentThread();
        }

        void help(int worker) {
            for (int piece = next.getAndIncrement(); piece < pieces; piece = next.getAndIncrement()) {
                try {
                    body.run(piece, worker);
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
                if (done.incrementAndGet() == pieces) {
                    LockSupport.unpark(caller);
                }
            }
        }
    }

    private final Thread[] helpers;
    private volatile @Nullable Round round;
    private volatile boolean closed;

    /** @param threads the caller's included, at least 1 */
    public Team(int threads) {
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            int worker = i + 1;
            helpers[i] =
                    Thread.ofPlatform().daemon().name("kernel-helper-" + worker).start(() -> serve(worker));
        }
    }

    /** Threads, the caller's included: workers are {@code 0..threads-1}. */
    public int threads() {
        return helpers.length + 1;
    }

    /** Runs pieces {@code 0..pieces-1} and returns when all are done. */
    public void run(int pieces, Body body) {
        if (helpers.length == 0 || pieces == 1) {
            for (int piece = 0; piece < pieces; piece++) {
                body.run(piece, 0);
            }
            return;
        }
        Round now = new Round(body, pieces);
        round = now;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
        now.help(0);
        for (int i = 0; i < SPINS && now.done.get() < pieces; i++) {
            Thread.onSpinWait();
        }
        while (now.done.get() < pieces) {
            LockSupport.park(this);
        }
        Throwable failed = now.failure.get();
        if (failed != null) {
            throw new IllegalStateException("A kernel failed: " + failed, failed);
        }
    }

    private void serve(int worker) {
        Round served = null;
        while (!closed) {
            Round now = round;
            for (int i = 0; i < SPINS && now == served && !closed; i++) {
                Thread.onSpinWait();
                now = round;
            }
            if (now == served) {
                LockSupport.park(this);
            } else if (now != null) {
                now.help(worker);
                served = now;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }
}
