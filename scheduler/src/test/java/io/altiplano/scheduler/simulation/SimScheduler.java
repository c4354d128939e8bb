package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptRecord;
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
import io.altiplano.scheduler.topology.StoredCodec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The real core in a shell that behaves as Kafka Streams does at least once: each topic is read in order but at its own
 * pace, offsets are committed each second after the changelog and all output are flushed, and a crash keeps a prefix of what
 * was written since.
 */
final class SimScheduler {
    private static final int SOURCES = 4;

    private final World world;
    private final Topics topics;
    private final Mutant mutant;
    private final Settings settings;

    /** By key. The values are immutable; they go through the store's codec when they are read again. */
    private final Map<String, Stored> durable = new TreeMap<>();

    private final List<Change> unflushed = new ArrayList<>();
    private int[] committed = new int[SOURCES];
    private int[] positions = new int[SOURCES];
    private SchedulerCore core;
    private World.Wire jobsWire;
    private World.Wire outWire;
    private int incarnation;
    private boolean down;

    SimScheduler(World world, Topics topics, Mutant mutant, Settings settings) {
        this.world = world;
        this.topics = topics;
        this.mutant = mutant;
        this.settings = settings;
        start();
    }

    private void start() {
        down = false;
        incarnation++;
        positions = committed.clone();
        jobsWire = world.new Wire();
        outWire = world.new Wire();
        core = mutant == Mutant.NO_FAIRNESS
                ? new SchedulerCore(settings, "incarnation-" + incarnation, pool -> new FirstComeQueue())
                : new SchedulerCore(settings, "incarnation-" + incarnation);
        List<Stored> restored = durable.values().stream()
                .map(stored -> StoredCodec.read(StoredCodec.write(stored)))
                .toList();
        Outcome taken = core.start(restored, world.now());
        carryOut(taken);
        if (mutant == Mutant.NO_BARRIER) {
            carryOut(core.apply(taken.decisions().getFirst().record(), world.now()));
        }
        int mine = incarnation;
        loop(mine, 100, this::tick);
        loop(mine, 1_000, this::commit);
        read(mine);
    }

    private void loop(int mine, long everyMs, Runnable step) {
        world.after(everyMs, () -> {
            if (mine == incarnation) {
                step.run();
                loop(mine, everyMs, step);
            }
        });
    }

    private void tick() {
        carryOut(core.decide(new Event.Tick(), world.now()));
    }

    private void commit() {
        jobsWire.flush();
        outWire.flush();
        flush(unflushed);
        committed = positions.clone();
    }

    /** Of the changes of one entry the last is what is kept. */
    private void flush(List<Change> changes) {
        Map<String, Change> last = new LinkedHashMap<>();
        changes.forEach(c -> last.put(c.key(), c));
        last.forEach((key, change) -> {
            Stored value = change.value();
            if (value == null) {
                durable.remove(key);
            } else {
                durable.put(key, value);
            }
        });
        changes.clear();
    }

    /** Dies now and comes back after a while; nothing if it is down already. */
    void crashIfUp() {
        if (down) {
            return;
        }
        down = true;
        world.count("scheduler lost");
        incarnation++;
        jobsWire.cut();
        outWire.cut();
        int kept = unflushed.isEmpty() ? 0 : world.between(0, unflushed.size() + 1);
        flush(unflushed.subList(0, kept));
        unflushed.clear();
        world.after(world.between(50, 3_000), this::start);
    }

    private void read(int mine) {
        world.after(world.between(1, 15), () -> {
            if (mine != incarnation) {
                return;
            }
            int source = world.between(0, SOURCES);
            for (int i = world.between(1, 20); i > 0 && positions[source] < end(source); i--) {
                step(source, positions[source]++);
            }
            read(mine);
        });
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
            default -> carryOut(core.apply(topics.jobs().get(offset), world.now()));
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
        unflushed.addAll(core.drainChanges());
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
                    carryOut(core.apply(d.record(), world.now()));
                }
            }
        }
    }

    SchedulerCore core() {
        return core;
    }
}
