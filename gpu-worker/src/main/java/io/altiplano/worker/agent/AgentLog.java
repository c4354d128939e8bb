package io.altiplano.worker.agent;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/** Log lines with fixed keys: event, job, epoch, worker, boot, and one free detail. Never a prompt or an answer. */
final class AgentLog {
    private static final Logger LOG = System.getLogger("io.altiplano.worker.agent");

    private final String worker;
    private final String boot;

    AgentLog(String worker, String boot) {
        this.worker = worker;
        this.boot = boot;
    }

    void info(String event, String job, int epoch, String detail) {
        LOG.log(Level.INFO, () -> line(event, job, epoch, detail));
    }

    void warn(String event, String job, int epoch, String detail) {
        LOG.log(Level.WARNING, () -> line(event, job, epoch, detail));
    }

    void info(String event, String detail) {
        LOG.log(Level.INFO, () -> line(event, "-", 0, detail));
    }

    void warn(String event, String detail) {
        LOG.log(Level.WARNING, () -> line(event, "-", 0, detail));
    }

    private String line(String event, String job, int epoch, String detail) {
        return "event=%s job=%s epoch=%d worker=%s boot=%s%s"
                .formatted(event, job, epoch, worker, boot, detail.isEmpty() ? "" : " " + detail);
    }
}
