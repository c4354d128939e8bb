package io.altiplano.gateway.usage;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Posts partitions at once, each in a transaction and on a connection of its own. They lock shared rows in one order (see
 * {@link LedgerStore}), as gateways do among each other, and everything before those goes on side by side.
 */
final class Posters implements AutoCloseable {
    /** Transactions at once: fewer than the ledger's connections, of which prices and months need one too. */
    static final int MOST = 4;

    private final ExecutorService threads = Executors.newFixedThreadPool(
            MOST, Thread.ofVirtual().name("usage-posting-", 0).factory());

    /**
     * Runs tasks and waits for all; one alone runs on the calling thread.
     *
     * @return what they gave, in their order
     * @throws RuntimeException the first that a task threw, once none runs any more
     */
    <T> List<T> all(List<Callable<T>> tasks) {
        try {
            if (tasks.size() == 1) {
                return List.of(tasks.getFirst().call());
            }
            List<T> results = new ArrayList<>(tasks.size());
            for (Future<T> done : threads.invokeAll(tasks)) {
                results.add(done.get());
            }
            return results;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException r ? r : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while posting", e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
