package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.AttemptStarted;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A worker whose model counts: token i of every answer is i. It can die, stand still, and fault. */
final class SimWorker {
    private final World world;
    private final Topics topics;
    private final SimGateway gateway;
    private final int ordinal;

    private World.Wire wire;
    private String boot;
    private int life;
    private long sequence;
    private int workOffset;
    private boolean standing;
    private boolean up;
    private final Map<String, Attempt> running = new LinkedHashMap<>();
    private final Set<String> taken = new HashSet<>();

    private static final class Attempt {
        final JobSubmitted job;
        final int epoch;
        int generated;

        Attempt(JobSubmitted job, int epoch, int generated) {
            this.job = job;
            this.epoch = epoch;
            this.generated = generated;
        }
    }

    SimWorker(World world, Topics topics, SimGateway gateway, int ordinal) {
        this.world = world;
        this.topics = topics;
        this.gateway = gateway;
        this.ordinal = ordinal;
        boot();
    }

    private void boot() {
        up = true;
        life++;
        boot = "w" + ordinal + "-boot" + life;
        sequence = 0;
        standing = false;
        workOffset = topics.work().get(ordinal).end();
        wire = world.new Wire();
        running.clear();
        taken.clear();
        int mine = life;
        beat(mine);
        step(mine);
    }

    boolean idle() {
        return running.isEmpty();
    }

    boolean dieIfUp() {
        boolean was = up;
        if (was) {
            die();
        }
        return was;
    }

    private void die() {
        world.count("worker died");
        up = false;
        wire.cut();
        life++;
        running.clear();
        world.after(world.between(200, 8_000), this::boot);
    }

    /** Stands still, and goes on as if nothing had been: what it says then comes from the past. */
    boolean standStill() {
        if (!up || standing) {
            return false;
        }
        world.count("worker stood still");
        standing = true;
        int mine = life;
        world.after(world.between(500, 9_000), () -> {
            if (mine == life) {
                standing = false;
            }
        });
        return true;
    }

    private void beat(int mine) {
        if (mine != life) {
            return;
        }
        if (!standing) {
            WorkerHeartbeat.Builder b =
                    Samples.beat(ordinal, boot, ++sequence).setCapacity(3).setTotalKvBlocks(30);
            b.setFreeKvBlocks(30 - running.size());
            running.values().forEach(a -> b.addRunning(Samples.running(a.job.getJobId(), a.epoch, a.generated)));
            wire.send(topics.workers(), b.build(), 40);
        }
        world.after(world.between(450, 550), () -> beat(mine));
    }

    private void step(int mine) {
        if (mine != life) {
            return;
        }
        if (!standing) {
            for (; workOffset < topics.work().get(ordinal).end(); workOffset++) {
                take(topics.work().get(ordinal).get(workOffset));
            }
            for (Attempt a : List.copyOf(running.values())) {
                if (mine == life) {
                    generate(a);
                }
            }
        }
        world.after(world.between(20, 60), () -> step(mine));
    }

    private void take(WorkRecord record) {
        if (!record.getBootId().equals(boot)) {
            return;
        }
        if (record.hasCancel()) {
            Attempt a = running.get(record.getCancel().getJobId());
            if (a != null && a.epoch == record.getCancel().getEpoch()) {
                end(a, AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED);
            }
            return;
        }
        Grant g = record.getGrant();
        if (!taken.add(g.getJobId() + "#" + g.getEpoch())) {
            return;
        }
        JobSubmitted job =
                topics.submissions().get((int) g.getSubmission().getOffset()).getSubmitted();
        int from = g.hasRelayed()
                ? topics.submissions()
                        .get((int) g.getRelayed().getOffset())
                        .getRelayed()
                        .getRelayedTokensCount()
                : 0;
        running.put(job.getJobId(), new Attempt(job, g.getEpoch(), from));
        wire.send(
                topics.attempts(),
                AttemptRecord.newBuilder()
                        .setStarted(AttemptStarted.newBuilder()
                                .setJobId(job.getJobId())
                                .setEpoch(g.getEpoch())
                                .setWorkerId("default-" + ordinal)
                                .setBootId(boot))
                        .build(),
                30);
    }

    private void generate(Attempt a) {
        String kind = a.job.getAdapter();
        if (kind.equals("killer") && a.generated >= 3) {
            die();
            return;
        }
        if (kind.equals("refused")) {
            end(a, AttemptOutcome.ATTEMPT_OUTCOME_REJECTED);
            return;
        }
        if (kind.equals("shaky") && world.chance(0.02)) {
            end(a, AttemptOutcome.ATTEMPT_OUTCOME_FAULTED);
            return;
        }
        int target = a.job.getSampling().getMaxTokens();
        int upTo = Math.min(target, a.generated + world.between(1, 4));
        boolean last = upTo == target;
        int index = a.generated;
        gateway.delta(a.job.getJobId(), a.epoch, index, upTo, last, tag(a.epoch));
        a.generated = upTo;
        if (last) {
            end(a, AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);
        }
    }

    /** Names the attempt in its result, so that the checker can tell whose result was accepted. */
    private String tag(int epoch) {
        return epoch + "@" + boot;
    }

    private void end(Attempt a, AttemptOutcome outcome) {
        running.remove(a.job.getJobId(), a);
        wire.send(
                topics.attempts(),
                AttemptRecord.newBuilder()
                        .setEnded(AttemptEnded.newBuilder()
                                .setJobId(a.job.getJobId())
                                .setEpoch(a.epoch)
                                .setWorkerId("default-" + ordinal)
                                .setBootId(boot)
                                .setOutcome(outcome)
                                .setUsage(Samples.usage(a.job.getPromptTokensCount(), a.generated))
                                .setFinishReason(tag(a.epoch))
                                .setErrorCode("sim"))
                        .build(),
                30);
    }
}
