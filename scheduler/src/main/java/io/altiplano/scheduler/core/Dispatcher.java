package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.scheduler.fleet.Prefixes;
import io.altiplano.scheduler.fleet.Worker;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.lease.LeaseTable;
import io.altiplano.scheduler.placement.Candidate;
import io.altiplano.scheduler.placement.Demand;
import io.altiplano.scheduler.placement.Placement;
import io.altiplano.scheduler.queue.JobQueue;
import io.altiplano.scheduler.queue.Share;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** Matches waiting jobs with workers, pool by pool, in the queue's order. */
final class Dispatcher {
    /** Jobs that may be passed over because no worker of their size has room, while smaller workers stand idle. */
    private static final int MOST_PASSED_OVER = 8;

    /** Of a worker's places, those that stay with jobs that yield when it is their turn. */
    private static final int SPARED_PERCENT = 15;

    private final Shard shard;
    private final Function<String, JobQueue> discipline;
    private final Map<String, JobQueue> queues = new TreeMap<>();
    /** The job that fitted nowhere when last tried, and what the fleet's room was then. */
    private final Map<String, Blocked> blocked = new HashMap<>();

    private record Blocked(String jobId, long room) {}

    Dispatcher(Shard shard, Function<String, JobQueue> discipline) {
        this.shard = shard;
        this.discipline = discipline;
    }

    private JobQueue queue(String pool) {
        return queues.computeIfAbsent(pool, discipline);
    }

    private static JobQueue.Entry entry(JobState job) {
        JobSubmitted s = job.submission();
        return new JobQueue.Entry(
                job.id(),
                s.getJobClass(),
                s.getTenantId(),
                s.getProjectId(),
                Math.max(1, s.getWeight()),
                Math.clamp(job.cost(), 1, JobQueue.Entry.MOST_COST),
                job.at().getOffset(),
                s.getJobClass() == JobClass.JOB_CLASS_BATCH ? s.getDeadlineMs() : 0,
                Math.max(0, s.getTenantRunningLimit()),
                Math.max(0, s.getProjectRunningLimit()));
    }

    /** Puts a queued job into its place; no effect if it is there. */
    void enqueue(JobState job) {
        queue(job.pool()).add(entry(job));
    }

    /** The job is not to be granted: it was not, or only a decision was made. */
    void remove(JobState job) {
        queue(job.pool()).remove(job.id());
    }

    /** Its lease was read back. */
    void begun(JobState job) {
        queue(job.pool()).begin(entry(job));
    }

    /** Its attempt, or the job, is over; so many tokens were served. */
    void ended(JobState job, long servedTokens) {
        queue(job.pool()).end(job.id(), servedTokens);
    }

    void restore(Share share) {
        queue(share.pool()).restore(share);
    }

    void restore(JobState job) {
        switch (job.phase()) {
            case Phase.Queued q -> queue(job.pool()).restoreWaiting(entry(job));
            case Phase.Leased l -> queue(job.pool()).restoreRunning(entry(job));
            case Phase.AwaitingRelay a -> {}
        }
    }

    List<Share> drainShares() {
        List<Share> drained = new ArrayList<>();
        queues.values().forEach(queue -> drained.addAll(queue.drainShares()));
        return drained;
    }

    int waiting() {
        return queues.values().stream().mapToInt(JobQueue::size).sum();
    }

    /** Jobs of a tenant and class that wait in a pool. */
    int waiting(JobState job) {
        return queue(job.pool())
                .waiting(job.submission().getTenantId(), job.submission().getJobClass());
    }

    Collection<String> pools() {
        return List.copyOf(queues.keySet());
    }

    /**
     * Decides grants for a pool until its queue is empty or the job whose turn it is fits nowhere. That job is not overtaken:
     * only workers which are too small for it are given to others meanwhile. Where it is a job that yields, interactive ones may
     * pass it on workers that run others of its kind, as long as a few places stay with these: so neither waits for the other.
     */
    void dispatch(String pool, long nowMs) {
        JobQueue queue = queues.get(pool);
        Optional<JobQueue.Entry> head = queue == null ? Optional.empty() : queue.head();
        if (queue == null || head.isEmpty()) {
            return;
        }
        long room = shard.fleet.version() + shard.leases.version();
        if (new Blocked(head.get().jobId(), room).equals(blocked.get(pool))) {
            return;
        }
        List<Worker> workers = shard.fleet.takers(pool, nowMs - shard.settings.grantFreshMs());
        int passed = 0;
        String first = "";
        boolean sparing = false;
        while (head.isPresent() && !workers.isEmpty() && passed <= MOST_PASSED_OVER) {
            Demand demand = demand(head.get());
            Optional<Candidate> choice = Placement.choose(candidates(workers, sparing), demand);
            if (choice.isPresent()) {
                grant(pool, queue, head.get(), choice.get().worker(), demand.blocks(), nowMs);
            } else {
                first = passed++ == 0 ? head.get().jobId() : first;
                if (head.get().jobClass() == JobClass.JOB_CLASS_BATCH) {
                    sparing = true;
                    queue.park(JobClass.JOB_CLASS_BATCH);
                } else {
                    workers = Placement.tooSmall(workers, demand.blocks());
                    queue.park(head.get().jobId());
                }
            }
            head = queue.head();
        }
        queue.unparkAll();
        if (passed > 0) {
            blocked.put(pool, new Blocked(first, shard.fleet.version() + shard.leases.version()));
        }
    }

    private static boolean sparesPlaces(Worker worker, LeaseTable.Load load) {
        int capacity = worker.beat().getCapacity();
        int spared = Math.max(1, capacity * SPARED_PERCENT / 100);
        return load.yielding() > 0 && load.leases() - load.yielding() < capacity - spared;
    }

    private Demand demand(JobQueue.Entry entry) {
        JobState job = shard.state.job(entry.jobId());
        if (job == null || !(job.phase() instanceof Phase.Queued)) {
            throw new IllegalStateException("queued job " + entry.jobId() + " is " + job);
        }
        return new Demand(
                job.submission().getModel(),
                job.submission().getAdapter(),
                job.blocks(),
                shard.prefixes.getOrDefault(job.id(), Prefixes.NONE),
                job.fingerprint(),
                job.interactive());
    }

    private void grant(String pool, JobQueue queue, JobQueue.Entry entry, Worker worker, long blocks, long nowMs) {
        JobState job = shard.state.job(entry.jobId());
        if (job == null) {
            throw new IllegalStateException("queued job " + entry.jobId() + " is unknown");
        }
        Lease lease = new Lease(job.id(), job.phase().attempts() + 1, worker.id(), worker.bootId(), worker.ordinal());
        shard.leases.hold(lease, blocks, job.yields(), nowMs);
        shard.decidedAt.put(job.id(), nowMs);
        queue.take(job.id());
        shard.decide(
                pool, Records.granted(lease, worker.beat().getNumericsFingerprint(), shard.settings.termMs(), nowMs));
    }

    /**
     * @param sparing jobs that yield wait for their turn: only workers that run such jobs, and that would still run some if one
     *     more job of another kind came
     */
    private List<Candidate> candidates(List<Worker> workers, boolean sparing) {
        List<Candidate> candidates = new ArrayList<>(workers.size());
        for (Worker worker : workers) {
            LeaseTable.Load load = shard.leases.load(worker.id());
            if (sparing && !sparesPlaces(worker, load)) {
                continue;
            }
            candidates.add(new Candidate(
                    worker, load.leases(), load.blocks(), load.unseenBlocks(), load.yielding(), load.yieldingBlocks()));
        }
        return candidates;
    }
}
