package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.scheduler.fleet.Fleet;
import io.altiplano.scheduler.fleet.Prefixes;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.lease.LeaseTable;
import io.altiplano.scheduler.queue.JobQueue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * What one partition's scheduler knows. {@link State} survives a restart; all else here is volatile and is learnt or
 * decided again.
 */
final class Shard {
    final Settings settings;
    final State state = new State();
    final Fleet fleet = new Fleet();
    final LeaseTable leases = new LeaseTable();
    final Dispatcher dispatcher;
    /** Prefix hashes of unfinished jobs, a hint for placement that a restart loses. */
    final Map<String, Prefixes> prefixes = new HashMap<>();
    /** Jobs by their deadlines on our own clock, finished ones among them until then. */
    final TreeMap<Long, Set<String>> deadlines = new TreeMap<>();

    /** Since when a decision about the job is on its way to being read back. */
    final Map<String, Long> decidedAt = new HashMap<>();
    /** Since when the gateway is being waited for. */
    final Map<String, Long> waitingSince = new HashMap<>();
    /** When the attempt was last told to stop, by job and epoch. */
    private final Map<String, Long> cancelSentAt = new HashMap<>();

    /** This take-over's number: greater than that of every barrier read before its own. */
    long generation;

    /** The scheduler has read back its own first barrier: it has applied all that was decided before it came. */
    boolean caughtUp;
    /** The latest time at which the broker is known to have taken a record of ours, by our own clock. */
    long provenAtMs = Long.MIN_VALUE;
    /** A lease looks silent, but it may be us who do not hear. */
    boolean doubt;

    /** Jobs and pools to look at before the present input is done. */
    final Set<String> touched = new LinkedHashSet<>();

    final Set<String> touchedPools = new LinkedHashSet<>();

    final List<Decision> decisions = new ArrayList<>();
    final List<Effect> effects = new ArrayList<>();

    Shard(Settings settings, Function<String, JobQueue> discipline) {
        this.settings = settings;
        this.dispatcher = new Dispatcher(this, discipline);
    }

    /**
     * A batch's window ends at an instant of the calendar. How long somebody waits for an answer is counted by our own clock from
     * when the job came, or was found again by who took over: the gateway's may differ by more than that.
     */
    void watchDeadline(JobState job, long nowMs) {
        JobSubmitted s = job.submission();
        if (s.getDeadlineMs() > 0) {
            long deadline = job.interactive() && s.getSubmittedAtMs() > 0
                    ? nowMs + Math.max(0, s.getDeadlineMs() - s.getSubmittedAtMs())
                    : s.getDeadlineMs();
            deadlines.computeIfAbsent(deadline, d -> new LinkedHashSet<>()).add(job.id());
        }
    }

    void touch(JobState job) {
        touched.add(job.id());
        touchedPools.add(job.pool());
    }

    /** Writes a decision down, as this generation's. */
    void decide(String pool, JobRecord.Builder record) {
        decisions.add(new Decision(pool, record.setGeneration(generation).build()));
    }

    void happened(Effect.What what, String jobId, int epoch, String worker, String detail) {
        effects.add(new Effect.Happened(what, jobId, epoch, worker, detail));
    }

    /** Tells a worker to stop an attempt, at most once in half a second. */
    void sendCancel(String pool, Lease lease, String reason, long nowMs) {
        String mark = lease.jobId() + "#" + lease.epoch();
        Long last = cancelSentAt.get(mark);
        if (last == null || nowMs - last >= 500) {
            cancelSentAt.put(mark, nowMs);
            effects.add(Records.cancel(pool, lease, reason));
        }
    }

    void forgetMarks(long beforeMs) {
        cancelSentAt.values().removeIf(at -> at < beforeMs);
    }

    /** The most tokens that any heartbeat has told of for this job. */
    long generatedTokens(JobState job) {
        LeaseTable.Held held = leases.held(job.id());
        return Math.max(job.generatedTokens(), held == null ? 0 : held.generatedTokens());
    }

    Outcome take() {
        Outcome outcome = new Outcome(List.copyOf(decisions), List.copyOf(effects));
        decisions.clear();
        effects.clear();
        return outcome;
    }
}
