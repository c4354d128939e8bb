package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.scheduler.core.Stored.Early;
import io.altiplano.scheduler.core.Stored.Finished;
import io.altiplano.scheduler.core.Stored.TakeOver;
import io.altiplano.scheduler.core.Stored.Withdrawal;
import io.altiplano.scheduler.fleet.Boot;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What survives a restart, in memory, with a journal of what has changed since the last {@link #drainChanges()}. */
final class State {
    /** Far more than are read again after a crash. */
    private static final int MOST_TAKE_OVERS = 32;

    /** Submissions' content is kept for 48 h, so nothing older can come. */
    private static final long WITHDRAWAL_MEMORY_MS = 48 * 3_600_000L;

    private final Map<String, JobState> jobs = new LinkedHashMap<>();
    private final Map<String, Finished> finished = new LinkedHashMap<>();
    private final Map<String, Early> early = new LinkedHashMap<>();
    private final Map<String, Withdrawal> withdrawals = new HashMap<>();
    private final Map<String, Change> changes = new LinkedHashMap<>();
    private List<TakeOver> takeOvers = List.of();

    void restore(Stored item) {
        switch (item) {
            case Stored.Active a -> jobs.put(a.job().id(), a.job());
            case Finished f -> finished.put(f.jobId(), f);
            case Early e -> early.put(e.jobId(), e);
            case Withdrawal w -> withdrawals.put(w.key(), w);
            case Stored.TakeOvers t -> takeOvers = t.latest();
            case Stored.Flow f -> throw new IllegalArgumentException("flows belong to the queues: " + f);
            case Stored.Incarnations i -> throw new IllegalArgumentException("incarnations belong to the fleet: " + i);
        }
    }

    Collection<JobState> jobs() {
        return jobs.values();
    }

    @Nullable
    JobState job(String jobId) {
        return jobs.get(jobId);
    }

    void put(JobState job) {
        JobState before = jobs.put(job.id(), job);
        if (before != null && job.phase().rank() < before.phase().rank()) {
            throw new IllegalStateException(
                    "job " + job.id() + " would move back from " + before.phase() + " to " + job.phase());
        }
        changed(new Stored.Active(job));
    }

    void finish(String jobId, long nowMs, @Nullable ReplyAddress replyTo) {
        jobs.remove(jobId);
        early.remove(jobId);
        Finished f = new Finished(jobId, nowMs, replyTo);
        finished.put(jobId, f);
        changed(f);
    }

    @Nullable
    Finished finished(String jobId) {
        return finished.get(jobId);
    }

    /** Keeps a record of a job that is not known yet. */
    void keepEarly(String jobId, JobRecord record, long nowMs) {
        Early before = before(jobId, nowMs);
        List<JobRecord> records = new ArrayList<>(before.records());
        records.add(record);
        keep(new Early(jobId, before.atMs(), List.copyOf(records), before.ended(), before.cancelled()));
    }

    private Early before(String jobId, long nowMs) {
        return early.getOrDefault(jobId, new Early(jobId, nowMs, List.of(), null, null));
    }

    /** Keeps the end of an attempt of a job that is not known yet: the one of the latest epoch. */
    void keepEarly(AttemptEnded ended, long nowMs) {
        Early before = before(ended.getJobId(), nowMs);
        AttemptEnded last = before.ended();
        if (last == null || last.getEpoch() <= ended.getEpoch()) {
            keep(new Early(before.jobId(), before.atMs(), before.records(), ended, before.cancelled()));
        }
    }

    /** Keeps the cancellation of a job that is not known yet. */
    void keepEarly(JobCancelled cancelled, long nowMs) {
        Early before = before(cancelled.getJobId(), nowMs);
        keep(new Early(before.jobId(), before.atMs(), before.records(), before.ended(), cancelled));
    }

    private void keep(Early e) {
        early.put(e.jobId(), e);
        changed(e);
    }

    @Nullable
    Early takeEarly(String jobId) {
        return early.remove(jobId);
    }

    /** Remembers that a right ended; false if that was known. */
    boolean withdraw(RightWithdrawn right, long nowMs) {
        Withdrawal w = new Withdrawal(
                right.getTenantId(), right.getModel(), right.getLicenceEpoch(), right.getReason(), nowMs);
        Withdrawal before = withdrawals.get(w.key());
        if (before != null && before.licenceEpoch() >= w.licenceEpoch()) {
            return false;
        }
        withdrawals.put(w.key(), w);
        changed(w);
        return true;
    }

    /** The withdrawal that a job's licence epoch does not outlive, if any. */
    @Nullable
    Withdrawal withdrawn(JobSubmitted job) {
        for (String model : List.of("", job.getModel())) {
            Withdrawal w = withdrawals.get(new Withdrawal(job.getTenantId(), model, 0, "", 0).key());
            if (w != null && job.getLicenceEpoch() < w.licenceEpoch()) {
                return w;
            }
        }
        return null;
    }

    /** The greatest generation that was read from a barrier; 0 before the first. */
    long generation() {
        return takeOvers.isEmpty() ? 0 : takeOvers.getLast().generation();
    }

    /** The generation that held the partition at an offset of {@code jobs}, which after a crash is read again. */
    long generationAt(long offset) {
        for (TakeOver t : takeOvers.reversed()) {
            if (t.offset() < offset) {
                return t.generation();
            }
        }
        return 0;
    }

    void takenOver(TakeOver next) {
        List<TakeOver> latest = new ArrayList<>(takeOvers);
        latest.add(next);
        takeOvers = List.copyOf(latest.subList(Math.max(0, latest.size() - MOST_TAKE_OVERS), latest.size()));
        changed(new Stored.TakeOvers(takeOvers));
    }

    /**
     * Writes all that a replaced scheduler may still overwrite again, as this generation's: what was restored came from many
     * generations, and an entry of an early one would give way to a late word of a later one that knew less.
     *
     * @param sinceMs finished jobs from before it are left
     */
    void rewrite(long sinceMs) {
        jobs.values().forEach(job -> changed(new Stored.Active(job)));
        early.values().forEach(this::changed);
        withdrawals.values().forEach(this::changed);
        finished.values().stream().filter(f -> f.atMs() >= sinceMs).forEach(this::changed);
        changed(new Stored.TakeOvers(takeOvers));
    }

    void bootChanged(Boot boot) {
        changed(new Stored.Incarnations(boot));
    }

    /** A flow's tags changed, or were forgotten where it has no marks. */
    void flowChanged(Stored.Flow flow) {
        changes.put(flow.key(), new Change(flow.key(), flow.share().marks().isEmpty() ? null : flow));
    }

    void bootForgotten(Boot boot) {
        String key = Stored.bootKey(boot.pool(), boot.workerId());
        changes.put(key, new Change(key, null));
    }

    /** Forgets finished and early jobs from before a time, and withdrawals that no submission can meet any more. */
    void forget(long beforeMs, long nowMs) {
        forget(finished, Finished::atMs, beforeMs);
        forget(early, Early::atMs, beforeMs);
        forget(withdrawals, Withdrawal::atMs, nowMs - WITHDRAWAL_MEMORY_MS);
    }

    private <T extends Stored> void forget(Map<String, T> map, ToLongFunction<T> at, long beforeMs) {
        for (Iterator<T> i = map.values().iterator(); i.hasNext(); ) {
            T item = i.next();
            if (at.applyAsLong(item) < beforeMs) {
                i.remove();
                changes.put(item.key(), new Change(item.key(), null));
            }
        }
    }

    private void changed(Stored item) {
        changes.put(item.key(), new Change(item.key(), item));
    }

    List<Change> drainChanges() {
        List<Change> drained = List.copyOf(changes.values());
        changes.clear();
        return drained;
    }
}
