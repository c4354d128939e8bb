package io.altiplano.scheduler.simulation;

import io.altiplano.scheduler.core.Change;
import io.altiplano.scheduler.core.SchedulerCore;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.core.Stored;
import io.altiplano.scheduler.simulation.SimScheduler.Write;
import io.altiplano.scheduler.topology.StoredCodec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Two schedulers' group as the broker keeps it: who holds the partition, how far it has committed, and the changelog. It gives
 * the partition to the other one when it does not hear the holder, who may not know that: then two are at work at one time.
 */
final class SimGroup {
    /** One schedules, the other is ready to. */
    static final int REPLICAS = 2;

    static final int SOURCES = 4;
    /** Silence after which the broker gives the partition away. */
    private static final int SESSION_MS = 2_000;

    /** A replaced scheduler notices at its next commit at the latest. */
    private static final int MOST_UNAWARE_MS = 1_500;

    private final World world;
    private final Topics topics;
    private final Mutant mutant;
    private final Settings settings;

    /** By key. The values are immutable; they go through the store's codec when they are read again. */
    private final Map<String, Write> durable = new TreeMap<>();

    private final List<Span> spans = new ArrayList<>();
    private int[] committed = new int[SOURCES];
    private int incarnations;
    private int fairnessAsked = Integer.MAX_VALUE;
    private @Nullable SimScheduler holder;

    /** A part of {@code jobs}, written while the holder knew of all the jobs that fairness is asked of. */
    record Span(int from, int to) {}

    SimGroup(World world, Topics topics, Mutant mutant, Settings settings) {
        this.world = world;
        this.topics = topics;
        this.mutant = mutant;
        this.settings = settings;
        begin();
    }

    private void begin() {
        incarnations++;
        List<Stored> restored = durable.values().stream()
                .map(Write::value)
                .map(stored -> StoredCodec.read(StoredCodec.write(stored, 0)))
                .toList();
        holder = new SimScheduler(
                world,
                topics,
                mutant,
                settings,
                this,
                "replica-" + incarnations % REPLICAS + "/" + incarnations,
                restored,
                committed.clone());
    }

    /** What is not over yet; empty if all is. */
    String leftOver() {
        if (holder == null || !holder.core().caughtUp()) {
            return "nobody schedules";
        }
        SchedulerCore core = holder.core();
        return core.waiting() + core.leased() + core.unfinished() == 0
                ? ""
                : "waiting " + core.waiting() + ", leased " + core.leased() + ", unfinished " + core.unfinished();
    }

    /** Takes in a part of the changelog. What a replaced scheduler wrote does not take the place of its successor's. */
    void write(List<Write> writes) {
        for (Write w : writes) {
            Change change = w.change();
            Write before = durable.get(change.key());
            if (before != null && before.generation() > w.generation() && mutant != Mutant.NO_STORE_FENCE) {
                continue;
            }
            if (change.value() == null) {
                durable.remove(change.key());
            } else {
                durable.put(change.key(), w);
            }
        }
    }

    /** Takes in the offsets of the holder; false for anyone else. */
    boolean commit(SimScheduler who, int[] positions) {
        if (who != holder) {
            return false;
        }
        committed = positions.clone();
        return true;
    }

    /** Replaced in the log: it may be that the broker has given it the partition again. */
    void left(SimScheduler who) {
        if (who == holder) {
            lose();
            world.after(world.between(50, 500), this::begin);
        }
    }

    private SimScheduler lose() {
        SimScheduler was = holder;
        if (was == null) {
            throw new IllegalStateException("nobody holds the partition");
        }
        if (was.fairFrom() < Integer.MAX_VALUE) {
            spans.add(new Span(was.fairFrom(), topics.jobs().end()));
        }
        holder = null;
        return was;
    }

    /** It dies, and after a while the other one takes over. False if nobody holds the partition. */
    boolean crash() {
        if (holder == null) {
            return false;
        }
        world.count("scheduler lost");
        lose().die(false);
        world.after(world.between(50, 3_000), this::begin);
        return true;
    }

    /**
     * It stands still: what it has sent but the broker has not taken in waits with it. After the session's end the other one takes
     * over; it wakes and may notice that at once, or when it next commits.
     */
    boolean standStill(boolean beyondTheSession) {
        if (holder == null || holder.frozen()) {
            return false;
        }
        world.count("scheduler stood still");
        SimScheduler frozen = holder;
        frozen.freeze();
        int ms = world.between(beyondTheSession ? SESSION_MS : 100, 6_000);
        world.after(Math.min(ms, SESSION_MS), () -> {
            if (holder == frozen && ms > SESSION_MS) {
                world.count("schedulers at one time");
                lose();
                begin();
            }
        });
        world.after(ms, () -> {
            frozen.thaw();
            if (holder != frozen) {
                goOnUnaware(frozen, world.chance(0.5) ? 35 : MOST_UNAWARE_MS);
            }
        });
        return true;
    }

    /** The broker does not hear it, and gives the partition away while it goes on. */
    boolean cutOff() {
        if (holder == null || holder.frozen()) {
            return false;
        }
        world.count("scheduler cut off");
        world.count("schedulers at one time");
        SimScheduler unaware = lose();
        begin();
        goOnUnaware(unaware, MOST_UNAWARE_MS);
        return true;
    }

    private void goOnUnaware(SimScheduler replaced, int mostMs) {
        world.after(world.between(1, mostMs), () -> replaced.die(world.chance(0.7)));
    }

    /** From now on fairness is asked: of jobs that stand in {@code submissions} up to an offset. */
    void askFairness(int submissions) {
        fairnessAsked = submissions;
    }

    boolean fairnessAsked(int position) {
        return position >= fairnessAsked;
    }

    /** Where fairness can be asked. */
    List<Span> fairSpans() {
        List<Span> all = new ArrayList<>(spans);
        if (holder != null && holder.fairFrom() < Integer.MAX_VALUE) {
            all.add(new Span(holder.fairFrom(), topics.jobs().end()));
        }
        return all;
    }
}
