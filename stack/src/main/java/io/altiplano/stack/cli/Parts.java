package io.altiplano.stack.cli;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What was started, to be stopped: the gateway first, since its open streams need the scheduler and the workers to end; then
 * these; then what they stand on. What is started while stopping is stopped.
 */
final class Parts implements AutoCloseable {
    /** Parts of one stage stop together; stages stop in this order. */
    enum Stage {
        GATEWAY,
        SERVICE,
        OUTER,
        WATCH
    }

    private record Part(Stage stage, AutoCloseable part) {}

    private final Deque<Part> parts = new ArrayDeque<>();
    private boolean closing;

    <T extends AutoCloseable> T add(Stage stage, T part) {
        synchronized (this) {
            if (!closing) {
                parts.push(new Part(stage, part));
                return part;
            }
        }
        close(part);
        throw new IllegalStateException("stopping");
    }

    synchronized boolean closing() {
        return closing;
    }

    @Override
    public void close() {
        List<Part> all;
        synchronized (this) {
            closing = true;
            all = new ArrayList<>(parts);
            parts.clear();
        }
        for (Stage stage : Stage.values()) {
            CompletableFuture.allOf(all.stream()
                            .filter(p -> p.stage() == stage)
                            .map(p -> CompletableFuture.runAsync(() -> close(p.part()), Thread::startVirtualThread))
                            .toArray(CompletableFuture[]::new))
                    .join();
        }
    }

    private static void close(AutoCloseable part) {
        try {
            part.close();
        } catch (Exception e) {
            System.err.println("altiplano: while stopping: " + e.getMessage());
        }
    }
}
