package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.scheduler.core.Effect.What;
import io.altiplano.scheduler.queue.FairQueue;
import io.altiplano.scheduler.queue.JobQueue;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One partition's scheduler as a pure function of its inputs: no clock, no randomness, no I/O.
 *
 * <p>The idea that orders everything: <b>a decision has no effect until it is read back from {@code jobs}</b>. Facts (what
 * gateways and workers wrote) are noted at once, for they are durable where they stand. From facts and time follow
 * decisions, which are only written. {@link #apply} is the one place where leases begin and end and jobs finish, and the
 * log's order is the one authority, so a second scheduler, a replay or a lost producer can decide again without harm. Two
 * decisions about one job are never on their way at once: the first is marked until it is read back, or believed lost.
 *
 * <p>A scheduler that takes over first writes a Barrier and decides nothing until it reads that back: it has then applied
 * everything decided before. Not thread-safe.
 */
public final class SchedulerCore {
    /** Ticks further apart than this mean that the process stood still; silence in the gap is nobody's fault. */
    private static final long STOOD_STILL_MS = 1_000;
    /** A barrier that takes longer than this tells of a broker's outage. */
    private static final long OUTAGE_MS = 1_000;

    /** How often a barrier asks the broker for proof while a lease looks silent. */
    private static final long BARRIER_EVERY_MS = 200;

    private static final long HOUSEKEEPING_MS = 10_000;

    /** What a replaced scheduler sent does not arrive later than this after its successor has taken over. */
    private static final long REWRITTEN_MS = 120_000;

    private final Settings settings;
    private final Shard shard;
    private final Rules rules;
    private final ReadBack readBack;
    private final Facts facts;
    private final String incarnation;

    /** The greatest generation in the log is ours. */
    private boolean tookOver;
    /** Another came after us. */
    private boolean replaced;

    private long barrierAtMs;
    private long lastTickMs;
    private long housekeptAtMs;

    /**
     * @param settings times and bounds
     * @param incarnation unique to this take-over of the partition
     */
    public SchedulerCore(Settings settings, String incarnation) {
        this(settings, incarnation, pool -> new FairQueue(pool, settings.shares()));
    }

    /**
     * @param discipline makes the queue of a pool
     */
    public SchedulerCore(Settings settings, String incarnation, Function<String, JobQueue> discipline) {
        this.settings = settings;
        this.incarnation = incarnation;
        this.shard = new Shard(settings, discipline);
        this.rules = new Rules(shard);
        this.readBack = new ReadBack(shard);
        this.facts = new Facts(shard, readBack);
    }

    /** Takes over with what the store holds: all leases get a full fresh term, all waits for gateways begin again. */
    public Outcome start(Iterable<Stored> stored, long nowMs) {
        for (Stored item : stored) {
            switch (item) {
                case Stored.Incarnations i -> shard.fleet.restore(i.boot());
                case Stored.Flow f -> shard.dispatcher.restore(f.share());
                default -> shard.state.restore(item);
            }
        }
        for (JobState job : shard.state.jobs()) {
            shard.dispatcher.restore(job);
            shard.watchDeadline(job, nowMs);
            switch (job.phase()) {
                case Phase.Queued q -> {}
                case Phase.Leased l -> shard.leases.hold(l.lease(), job.blocks(), job.yields(), nowMs);
                case Phase.AwaitingRelay a -> shard.waitingSince.put(job.id(), nowMs);
            }
        }
        lastTickMs = nowMs;
        housekeptAtMs = nowMs;
        // Later than whoever came before, even where the store does not tell of it yet.
        shard.generation = Math.max(shard.state.generation() + 1, nowMs);
        writeBarrier(nowMs);
        return shard.take();
    }

    /** Notes a fact, and gives what follows: decisions to be written and words to be sent about what is already so. */
    public Outcome decide(Event event, long nowMs) {
        noticeStandstill(nowMs);
        switch (event) {
            case Event.Submitted e -> facts.submitted(e.job(), e.at(), nowMs);
            case Event.Cancelled e -> facts.cancelled(e.cancel(), nowMs);
            case Event.Relayed e -> facts.relayed(e.relayed(), e.at(), nowMs);
            case Event.Withdrawn e -> facts.withdrawn(e.right(), nowMs);
            case Event.Deserted e -> facts.deserted(e.gateway().getGateway(), nowMs);
            case Event.Started e -> facts.started(e.started(), nowMs);
            case Event.Ended e -> facts.ended(e.ended(), nowMs);
            case Event.Heard e -> facts.heard(e.beat(), nowMs);
            case Event.Tick e -> tick(nowMs);
        }
        return settle(nowMs);
    }

    /**
     * Makes a record that was read back from {@code jobs} so, and gives what follows.
     *
     * @param offset where in {@code jobs} it stands
     */
    public Outcome apply(JobRecord record, long offset, long nowMs) {
        noticeStandstill(nowMs);
        if (record.hasBarrier()) {
            barrier(record, offset, nowMs);
        } else if (record.getGeneration() < shard.state.generationAt(offset)) {
            shard.happened(What.DECISION_FENCED, "", 0, "", "generation=" + record.getGeneration());
        } else {
            readBack.apply(record, nowMs);
            resumeAnswered();
        }
        return settle(nowMs);
    }

    /**
     * A barrier of a greater generation than any before it takes the partition over; every other one is a repeat, or of a scheduler
     * that was replaced. Whoever reads that another has come after it stops: what it knows may be old.
     */
    private void barrier(JobRecord record, long offset, long nowMs) {
        boolean ours = record.getBarrier().getIncarnation().equals(incarnation);
        if (record.getGeneration() > shard.state.generation()) {
            shard.state.takenOver(new Stored.TakeOver(record.getGeneration(), offset));
            tookOver = ours;
        }
        if (ours && tookOver) {
            boolean late = nowMs - record.getBarrier().getAtMs() > OUTAGE_MS;
            if (!shard.caughtUp) {
                shard.state.rewrite(nowMs - REWRITTEN_MS);
                shard.fleet.boots().forEach(shard.state::bootChanged);
            }
            readBack.barrier(record.getBarrier(), nowMs);
            if (late) {
                refresh("broker_was_away", nowMs);
            }
            touchAll();
        } else if (!ours && record.getGeneration() >= shard.generation && !replaced) {
            replaced = true;
            shard.caughtUp = false;
            shard.happened(What.SCHEDULER_REPLACED, "", 0, "", "by_generation=" + record.getGeneration());
        }
    }

    /** A gateway may have answered before the record that it answers was read here. */
    private void resumeAnswered() {
        for (String id : List.copyOf(shard.touched)) {
            JobState job = shard.state.job(id);
            if (job != null) {
                facts.resume(job);
            }
        }
    }

    private void noticeStandstill(long nowMs) {
        if (nowMs - lastTickMs > STOOD_STILL_MS) {
            refresh("stood_still_ms=" + (nowMs - lastTickMs), nowMs);
            lastTickMs = nowMs;
        }
    }

    private void tick(long nowMs) {
        lastTickMs = nowMs;
        if (replaced) {
            return;
        }
        if (!shard.caughtUp) {
            if (nowMs - barrierAtMs >= settings.redecideMs()) {
                writeBarrier(nowMs);
            }
            return;
        }
        giveUpLostDecisions(nowMs);
        facts.deadlines(nowMs);
        for (String id : List.copyOf(shard.waitingSince.keySet())) {
            JobState job = shard.state.job(id);
            if (job != null) {
                facts.resume(job);
                if (!job.interactive() && rules.relayOverdue(job, nowMs)) {
                    facts.restart(job);
                }
            }
        }
        if (nowMs - housekeptAtMs >= HOUSEKEEPING_MS) {
            housekeptAtMs = nowMs;
            shard.state.forget(nowMs - settings.memoryMs(), nowMs);
            shard.fleet.forget(nowMs - settings.memoryMs()).forEach(shard.state::bootForgotten);
            shard.forgetMarks(nowMs - HOUSEKEEPING_MS);
        }
        // About a job that waits for a worker, time alone makes nothing due but its deadline: it is not looked at.
        shard.touched.addAll(shard.leases.jobs());
        shard.touched.addAll(shard.waitingSince.keySet());
        shard.touchedPools.addAll(shard.dispatcher.pools());
    }

    private void giveUpLostDecisions(long nowMs) {
        shard.decidedAt.entrySet().removeIf(e -> {
            if (nowMs - e.getValue() < settings.redecideMs()) {
                return false;
            }
            JobState job = shard.state.job(e.getKey());
            if (job != null) {
                if (job.phase() instanceof Phase.Queued) {
                    shard.leases.release(job.id());
                    shard.dispatcher.remove(job);
                    shard.dispatcher.enqueue(job);
                }
                shard.touch(job);
            }
            shard.happened(What.DECISION_REPEATED, e.getKey(), 0, "", "after_ms=" + settings.redecideMs());
            return true;
        });
    }

    private void refresh(String why, long nowMs) {
        shard.leases.renewAll(nowMs);
        shard.waitingSince.replaceAll((job, since) -> nowMs);
        shard.decidedAt.replaceAll((job, at) -> nowMs);
        shard.happened(What.LEASES_REFRESHED, "", 0, "", why);
    }

    private void touchAll() {
        shard.state.jobs().forEach(shard::touch);
        shard.touchedPools.addAll(shard.dispatcher.pools());
    }

    private void writeBarrier(long nowMs) {
        barrierAtMs = nowMs;
        shard.decide("", Records.barrier(incarnation, nowMs));
    }

    /** Decides what is due about everything that the present input touched. */
    private Outcome settle(long nowMs) {
        if (shard.caughtUp) {
            for (String id : shard.touched) {
                JobState job = shard.state.job(id);
                if (job != null && !shard.decidedAt.containsKey(id)) {
                    rules.due(job, nowMs).ifPresent(record -> {
                        shard.dispatcher.remove(job);
                        shard.decidedAt.put(id, nowMs);
                        shard.decide(job.pool(), record);
                    });
                }
            }
            shard.touchedPools.forEach(pool -> shard.dispatcher.dispatch(pool, nowMs));
            if (shard.doubt && nowMs - barrierAtMs >= BARRIER_EVERY_MS) {
                writeBarrier(nowMs);
            }
        }
        shard.touched.clear();
        shard.touchedPools.clear();
        return shard.take();
    }

    /** What changed in the store since the last call, in order; to be written before anything else is read. */
    public List<Change> drainChanges() {
        shard.dispatcher.drainShares().forEach(share -> shard.state.flowChanged(new Stored.Flow(share)));
        return shard.state.drainChanges();
    }

    /** Whether decisions are made, and not only facts noted. */
    public boolean caughtUp() {
        return shard.caughtUp;
    }

    /** Whether another has taken the partition over: all that is written from here on is void, and the caller should stop. */
    public boolean replaced() {
        return replaced;
    }

    /** This take-over's number. What is stored carries it, so that a successor's entry is not overwritten by an older one. */
    public long generation() {
        return shard.generation;
    }

    /** An unfinished job. */
    public Optional<JobState> job(String jobId) {
        return Optional.ofNullable(shard.state.job(jobId));
    }

    /** Jobs waiting for a worker. */
    public int waiting() {
        return shard.dispatcher.waiting();
    }

    /** Jobs promised to workers, decisions on their way included. */
    public int leased() {
        return shard.leases.size();
    }

    /** Jobs not finished. */
    public int unfinished() {
        return shard.state.jobs().size();
    }

    /** Workers that may be given work. */
    public long workers(long nowMs) {
        return shard.fleet.countHeardSince(nowMs - settings.grantFreshMs());
    }
}
