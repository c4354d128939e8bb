package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.ManagedProcess;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A process that is started again when it ends by itself: after 200 ms, or, if it lived less than 20 s, after twice
 * the last pause up to 30 s, so that what cannot start does not spin.
 */
public final class Supervised implements AutoCloseable {
    private static final Duration FIRST = Duration.ofMillis(200);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private final Supplier<ManagedProcess> start;
    private final Consumer<String> report;
    private ManagedProcess current;
    private Instant since = Instant.now();
    private Duration pause = FIRST;
    private boolean closed;

    private Supervised(Supplier<ManagedProcess> start, Consumer<String> report) {
        this.start = start;
        this.report = report;
        this.current = start.get();
        watch(current);
    }

    /** Starts it and keeps it running; {@code report} is told of every end in a line. */
    public static Supervised start(Supplier<ManagedProcess> start, Consumer<String> report) {
        return new Supervised(start, report);
    }

    /** The process that runs now, or ran last. */
    public synchronized ManagedProcess current() {
        return current;
    }

    private void watch(ManagedProcess process) {
        var unused = process.process().onExit().thenAccept(p -> ended(process, p.exitValue()));
    }

    private synchronized void ended(ManagedProcess process, int status) {
        if (closed) {
            return;
        }
        boolean soon = since.plusSeconds(20).isAfter(Instant.now());
        Duration doubled = pause.multipliedBy(2);
        pause = !soon ? FIRST : doubled.compareTo(LONGEST) > 0 ? LONGEST : doubled;
        report.accept(
                process.name() + " ended with status " + status + " (log: " + process.log() + "); starting it again");
        later();
    }

    private void later() {
        var unused = CompletableFuture.runAsync(
                this::again, CompletableFuture.delayedExecutor(pause.toMillis(), TimeUnit.MILLISECONDS));
    }

    private synchronized void again() {
        if (closed) {
            return;
        }
        try {
            current = start.get();
        } catch (InfraException e) {
            report.accept(e.getMessage() + "; trying again");
            pause = LONGEST;
            later();
            return;
        }
        since = Instant.now();
        watch(current);
    }

    /** Stops it for good. */
    @Override
    public void close() {
        ManagedProcess last;
        synchronized (this) {
            closed = true;
            last = current;
        }
        last.close();
    }
}
