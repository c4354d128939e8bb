package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.scheduler.core.Change;
import io.altiplano.scheduler.core.Decision;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.Event;
import io.altiplano.scheduler.core.JobState;
import io.altiplano.scheduler.core.Outcome;
import io.altiplano.scheduler.core.Phase;
import io.altiplano.scheduler.core.SchedulerCore;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.core.Stored;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.queue.FirstComeQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One incarnation of a scheduler: the real core in a shell that behaves as Kafka Streams does at least once. Each topic is read in
 * order but at its own pace, offsets are committed each second after the changelog and all output are flushed, and a crash keeps a
 * prefix of what was written since.
 */
final class SimScheduler {
    private final World world;
    private final Topics topics;
    private final Mutant mutant;
    private final SimGroup group;
    private final SchedulerCore core;
    private final int[] positions;
    private final World.Wire jobsWire;
    private final World.Wire outWire;
    private final List<Write> unflushed = new ArrayList<>();
    private int fairFrom = Integer.MAX_VALUE;
    private boolean alive = true;
    private boolean frozen;

    /** A change of the store on its way to the changelog, and the generation of who made it. */
    record Write(Change change, long generation) {
        Stored value() {
            return Objects.requireNonNull(change.value());
        }
    }

    SimScheduler(
            World world,
            Topics topics,
            Mutant mutant,
            Settings settings,
            SimGroup group,
            String name,
            List<Stored> restored,
            int[] committed) {
        this.world = world;
        this.topics = topics;
        this.mutant = mutant;
        this.group = group;
        positions = committed;
        jobsWire = world.new Wire();
        outWire = world.new Wire();
        core = mutant == Mutant.NO_FAIRNESS
                ? new SchedulerCore(settings, name, pool -> new FirstComeQueue())
                : new SchedulerCore(settings, name);
        Outcome taken = core.start(restored, world.now());
        carryOut(taken);
        if (mutant == Mutant.NO_BARRIER) {
            carryOut(core.apply(taken.decisions().getFirst().record(), positions[3], world.now()));
        }
        loop(100, this::tick);
        loop(1_000, this::commit);
        read();
    }

    private void loop(long everyMs, Runnable step) {
        world.after(everyMs, () -> {
            if (alive) {
                if (!frozen) {
                    step.run();
                }
                loop(everyMs, step);
            }
        });
    }

    private void tick() {
        carryOut(core.decide(new Event.Tick(), world.now()));
    }

    private void commit() {
        jobsWire.flush();
        outWire.flush();
        flush(unflushed.size());
        if (!group.commit(this, positions)) {
            die(true);
        }
    }

    private void flush(int changes) {
        List<Write> part = unflushed.subList(0, changes);
        group.write(part);
        part.clear();
    }

    /** Is over. What was sent arrives whole, or a prefix of it. */
    void die(boolean flushed) {
        if (!alive) {
            return;
        }
        alive = false;
        if (flushed) {
            jobsWire.flush();
            outWire.flush();
        } else {
            jobsWire.cut();
            outWire.cut();
        }
        flush(flushed || unflushed.isEmpty() ? unflushed.size() : world.between(0, unflushed.size() + 1));
    }

    void freeze() {
        frozen = true;
        jobsWire.freeze();
        outWire.freeze();
        flush(world.between(0, unflushed.size() + 1));
    }

    void thaw() {
        frozen = false;
        jobsWire.thaw();
        outWire.thaw();
    }

    boolean frozen() {
        return frozen;
    }

    private void read() {
        world.after(world.between(1, 15), () -> {
            if (!alive) {
                return;
            }
            int source = world.between(0, SimGroup.SOURCES);
            for (int i = world.between(1, 20); i > 0 && alive && !frozen && positions[source] < end(source); i--) {
                step(source, positions[source]++);
            }
            if (fairFrom == Integer.MAX_VALUE && core.caughtUp() && group.fairnessAsked(positions[0])) {
                fairFrom = topics.jobs().end();
            }
            read();
        });
    }

    /** Where in {@code jobs} it began to know of all jobs that fairness is asked of; MAX_VALUE: not yet. */
    int fairFrom() {
        return fairFrom;
    }

    private int end(int source) {
        return switch (source) {
            case 0 -> topics.submissions().end();
            case 1 -> topics.attempts().end();
            case 2 -> topics.workers().end();
            default -> topics.jobs().end();
        };
    }

    private void step(int source, int offset) {
        switch (source) {
            case 0 -> submission(topics.submissions().get(offset), offset);
            case 1 -> attempt(topics.attempts().get(offset));
            case 2 -> carryOut(core.decide(new Event.Heard(topics.workers().get(offset)), world.now()));
            default -> readBack(topics.jobs().get(offset), offset);
        }
    }

    private void readBack(JobRecord record, int offset) {
        JobRecord read = mutant == Mutant.NO_GENERATIONS && !record.hasBarrier()
                ? record.toBuilder().setGeneration(Long.MAX_VALUE).build()
                : record;
        carryOut(core.apply(read, offset, world.now()));
        if (core.replaced() && mutant != Mutant.NO_GENERATIONS) {
            die(true);
            group.left(this);
        }
    }

    private void submission(SubmissionRecord s, int offset) {
        LogPointer at = LogPointer.newBuilder().setOffset(offset).build();
        Event event =
                switch (s.getBodyCase()) {
                    case SUBMITTED -> new Event.Submitted(s.getSubmitted(), at);
                    case CANCELLED -> new Event.Cancelled(s.getCancelled());
                    case RELAYED -> new Event.Relayed(s.getRelayed(), at);
                    case WITHDRAWN -> new Event.Withdrawn(s.getWithdrawn());
                    case GATEWAY_LOST -> new Event.Deserted(s.getGatewayLost());
                    case BODY_NOT_SET -> throw new IllegalStateException("an empty submission");
                };
        carryOut(core.decide(event, world.now()));
    }

    private void attempt(AttemptRecord a) {
        Event event = a.hasStarted() ? new Event.Started(a.getStarted()) : new Event.Ended(maybeUnfenced(a.getEnded()));
        carryOut(core.decide(event, world.now()));
    }

    private AttemptEnded maybeUnfenced(AttemptEnded e) {
        if (mutant == Mutant.NO_FENCING
                && core.job(e.getJobId()).orElse(null) instanceof JobState job
                && job.phase() instanceof Phase.Leased(Lease lease)) {
            return e.toBuilder()
                    .setEpoch(lease.epoch())
                    .setWorkerId(lease.workerId())
                    .setBootId(lease.bootId())
                    .build();
        }
        return e;
    }

    private void carryOut(Outcome outcome) {
        core.drainChanges().forEach(change -> unflushed.add(new Write(change, core.generation())));
        for (Decision d : outcome.decisions()) {
            jobsWire.send(topics.jobs(), d.record(), 30);
        }
        for (Effect e : outcome.effects()) {
            switch (e) {
                case Effect.Work w -> outWire.send(topics.work().get(w.ordinal()), w.record(), 30);
                case Effect.Notice n -> outWire.send(topics.notices(), n.record(), 30);
                case Effect.Happened h -> {}
            }
        }
        if (mutant == Mutant.ACT_AT_DECIDE) {
            for (Decision d : outcome.decisions()) {
                if (!d.record().hasBarrier()) {
                    carryOut(core.apply(d.record(), topics.jobs().end(), world.now()));
                }
            }
        }
    }

    SchedulerCore core() {
        return core;
    }
}
