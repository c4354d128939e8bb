package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.scheduler.simulation.SimGateway.Client;
import io.altiplano.scheduler.simulation.World.Log;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads the logs afterwards, as a stranger would, and says what is wrong with them. */
final class Checker {
    private final Map<String, Life> lives = new HashMap<>();
    private long generation;
    private int fenced;

    /** One job as {@code jobs} tells it. */
    private static final class Life {
        final Map<Integer, LeaseGranted> granted = new HashMap<>();
        int epoch;
        boolean expired;

        @Nullable
        JobFinished finished;
    }

    /** Thrown where an invariant does not hold. */
    static final class Violation extends RuntimeException {
        private static final long serialVersionUID = 1;

        Violation(String message) {
            super(message);
        }
    }

    static void require(boolean holds, String invariant, Object... details) {
        if (!holds) {
            throw new Violation(invariant.formatted(details));
        }
    }

    void check(Topics topics, SimGateway gateway, int maxAttempts) {
        for (JobRecord r : topics.jobs().all()) {
            String id = r.getGranted().getJobId()
                    + r.getExpired().getJobId()
                    + r.getFinished().getJobId();
            told(topics, id, () -> read(r, maxAttempts));
        }
        for (Log<WorkRecord> log : topics.work()) {
            log.all().forEach(w -> told(topics, w.getGrant().getJobId(), () -> grantIsInTheLog(w)));
        }
        for (Client c : gateway.clients()) {
            told(topics, c.job.getJobId(), () -> client(c));
        }
    }

    /** A violation is told with all that the logs say of its job. */
    private static void told(Topics topics, String jobId, Runnable check) {
        try {
            check.run();
        } catch (Violation v) {
            throw new Violation(v.getMessage() + topics.story(jobId));
        }
    }

    /** The ledger holds each job's line once, as the log has it. */
    void ledger(Map<String, Long> lines) {
        lives.forEach((id, life) -> {
            JobFinished f = life.finished;
            if (f != null) {
                long tokens = f.getUsage().getPromptTokens() + f.getUsage().getCompletionTokens();
                require(
                        Long.valueOf(tokens).equals(lines.get(id)),
                        "the ledger has %s tokens of %s, the log %d",
                        lines.get(id),
                        id,
                        tokens);
            }
        });
    }

    private void read(JobRecord r, int maxAttempts) {
        if (r.hasBarrier()) {
            generation = Math.max(generation, r.getGeneration());
        } else if (r.getGeneration() < generation) {
            fenced++;
            return;
        }
        switch (r.getBodyCase()) {
            case GRANTED -> {
                LeaseGranted g = r.getGranted();
                Life life = life(g.getJobId());
                require(life.finished == null, "a lease after the terminal record of %s", g.getJobId());
                require(
                        life.epoch == g.getEpoch() - 1,
                        "%s granted %d after %d",
                        g.getJobId(),
                        g.getEpoch(),
                        life.epoch);
                require(
                        life.epoch == 0 || life.expired,
                        "two live leases of %s: %d and %d",
                        g.getJobId(),
                        life.epoch,
                        g.getEpoch());
                require(g.getEpoch() <= maxAttempts, "attempt %d of %s", g.getEpoch(), g.getJobId());
                life.epoch = g.getEpoch();
                life.expired = false;
                life.granted.put(g.getEpoch(), g);
            }
            case EXPIRED -> {
                Life life = life(r.getExpired().getJobId());
                require(
                        life.epoch == r.getExpired().getEpoch() && !life.expired && life.finished == null,
                        "%s expired out of turn",
                        r.getExpired());
                life.expired = true;
            }
            case FINISHED -> finished(r.getFinished());
            case BARRIER, BODY_NOT_SET -> {}
        }
    }

    private void finished(JobFinished f) {
        Life life = life(f.getJobId());
        require(life.finished == null, "two terminal records of %s", f.getJobId());
        life.finished = f;
        if (f.getOutcome() == JobOutcome.JOB_OUTCOME_FAILED) {
            require(f.getUsage().equals(Usage.getDefaultInstance()), "failed and billed: %s", f);
        }
        if (f.getOutcome() == JobOutcome.JOB_OUTCOME_SUCCEEDED && !life.expired) {
            LeaseGranted g = life.granted.get(life.epoch);
            String holder = g == null ? "nobody" : g.getEpoch() + "@" + g.getBootId();
            require(
                    f.getFinishReason().equals(holder),
                    "the result of %s was accepted for %s, which %s holds",
                    f.getFinishReason(),
                    f.getJobId(),
                    holder);
        }
    }

    private void grantIsInTheLog(WorkRecord w) {
        if (w.hasGrant()) {
            LeaseGranted g =
                    life(w.getGrant().getJobId()).granted.get(w.getGrant().getEpoch());
            require(
                    g != null && g.getBootId().equals(w.getBootId()),
                    "work was given that the log did not grant: %s",
                    w);
        }
    }

    private void client(Client c) {
        String id = c.job.getJobId();
        JobFinished f = life(id).finished;
        require(f != null, "%s has no terminal record", id);
        long billed = f.getUsage().getCompletionTokens();
        if (c.gone) {
            return;
        }
        require(c.told != null, "the client of %s was not told its end", id);
        require(c.told.equals(f), "the client of %s was told %s, the log says %s", id, c.told, f);
        switch (f.getOutcome()) {
            case JOB_OUTCOME_SUCCEEDED -> {
                require(billed == c.target(), "%s billed %d of %d", id, billed, c.target());
                require(
                        c.cancelled || (c.whole && c.received == billed),
                        "%s succeeded, its client has %d",
                        id,
                        c.received);
            }
            case JOB_OUTCOME_CANCELLED -> {
                require(
                        c.cancelled || f.getErrorCode().equals("right_withdrawn"),
                        "%s was cancelled as %s while its client waits",
                        id,
                        f.getErrorCode());
                require(
                        !c.cancelled || billed >= c.receivedAtCancel,
                        "%s billed %d, received %d",
                        id,
                        billed,
                        c.receivedAtCancel);
                require(billed <= c.target(), "%s billed %d of %d", id, billed, c.target());
            }
            case JOB_OUTCOME_FAILED -> {
                require(!c.whole, "%s failed, its client has the whole answer", id);
                require(
                        !f.getErrorCode().equals("gateway_lost"),
                        "%s failed as gateway_lost while its client waits",
                        id);
            }
            case JOB_OUTCOME_UNSPECIFIED, UNRECOGNIZED -> throw new Violation(id + " has no outcome");
        }
    }

    /** Attempts after the first. */
    int retries() {
        return lives.values().stream()
                .mapToInt(life -> Math.max(0, life.epoch - 1))
                .sum();
    }

    /** Records of schedulers that had been replaced. */
    int fenced() {
        return fenced;
    }

    private Life life(String id) {
        return lives.computeIfAbsent(id, i -> new Life());
    }
}
