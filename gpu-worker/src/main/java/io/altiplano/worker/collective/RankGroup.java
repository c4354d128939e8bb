package io.altiplano.worker.collective;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The ranks of one model: a daemon thread each, for as long as the model lives. {@link #run} gives all of them the same work
 * and returns when all are done.
 */
public final class RankGroup implements AutoCloseable {
    private static final int SPINS = 400;

    private final RankBarrier barrier;
    private final Collectives[] collectives;
    private final Thread[] threads;
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private volatile @Nullable Thread caller;
    private final AtomicInteger round = new AtomicInteger();
    private volatile boolean closed;
    private Consumer<Collectives> work = c -> {};

    /**
     * @param size ranks, a power of two
     * @param name prefix of the threads' names
     */
    public RankGroup(int size, String name) {
        barrier = new RankBarrier(size);
        collectives = new Collectives[size];
        threads = new Thread[size];
        for (int rank = 0; rank < size; rank++) {
            collectives[rank] = new Collectives(rank, collectives, barrier);
        }
        for (int rank = 0; rank < size; rank++) {
            int r = rank;
            threads[rank] =
                    Thread.ofPlatform().daemon().name(name + "-rank-" + rank).start(() -> serve(r));
        }
    }

    /** Ranks in the group. */
    public int size() {
        return threads.length;
    }

    /**
     * Runs the work on every rank and waits for all. If a rank fails, the others' collectives abort, and the first failure is
     * thrown here; the group stays usable.
     */
    public void run(Consumer<Collectives> perRank) {
        if (closed) {
            throw new IllegalStateException("The model is closed");
        }
        work = perRank;
        caller = Thread.currentThread();
        running.set(threads.length);
        round.incrementAndGet();
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        await();
        caller = null;
        Throwable failed = failure.getAndSet(null);
        if (failed != null) {
            barrier.reset();
            for (Collectives c : collectives) {
                c.reset();
            }
            rethrow(failed);
        }
    }

    /** Collective operations that rank 0 has taken part in so far. */
    public long operations() {
        return collectives[0].operations();
    }

    private void await() {
        for (int i = 0; i < SPINS && running.get() > 0; i++) {
            Thread.onSpinWait();
        }
        boolean interrupted = false;
        while (running.get() > 0) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(int rank) {
        int served = 0;
        while (!closed) {
            for (int i = 0; i < SPINS && round.get() == served && !closed; i++) {
                Thread.onSpinWait();
            }
            while (round.get() == served && !closed) {
                LockSupport.park(this);
            }
            if (round.get() != served) {
                served++;
                serveOnce(rank);
            }
        }
    }

    private void serveOnce(int rank) {
        try {
            work.accept(collectives[rank]);
        } catch (CollectiveAbortedException e) {
            // The rank that caused it has recorded its failure.
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
            barrier.abort();
        }
        Thread waiting = caller;
        if (running.decrementAndGet() == 0 && waiting != null) {
            LockSupport.unpark(waiting);
        }
    }

    private static void rethrow(Throwable failed) {
        if (failed instanceof RuntimeException e) {
            throw e;
        }
        if (failed instanceof Error e) {
            throw e;
        }
        throw new IllegalStateException(failed);
    }

    /** Ends the threads; must not be called while {@link #run} runs. */
    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
