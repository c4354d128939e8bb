package io.altiplano.stack.infra;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Waits for a condition of another process, which tells nobody when it comes true. */
public final class Waiting {
    private Waiting() {}

    /**
     * Asks every 100 ms until the probe answers true; a probe that throws has answered false.
     *
     * @param process whose end is the end of waiting, with its log in the error; null for none
     * @throws InfraException when time is up, with the probe's last error
     */
    public static void until(String what, @Nullable ManagedProcess process, Duration limit, Callable<Boolean> probe) {
        long end = System.nanoTime() + limit.toNanos();
        @Nullable Exception last = null;
        while (true) {
            if (process != null) {
                process.requireAlive();
            }
            try {
                if (probe.call()) {
                    return;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InfraException("interrupted while waiting for " + what, e);
            } catch (Exception e) {
                last = e;
            }
            if (System.nanoTime() > end) {
                String log = process == null
                        ? ""
                        : "; the end of " + process.log() + ":\n" + ManagedProcess.tail(process.log(), 15);
                throw new InfraException(what + " was not so within " + limit.toSeconds() + " s"
                        + (last == null ? "" : " (" + last.getMessage() + ")") + log);
            }
            LockSupport.parkNanos(100_000_000);
            if (Thread.currentThread().isInterrupted()) {
                throw new InfraException("interrupted while waiting for " + what);
            }
        }
    }
}
