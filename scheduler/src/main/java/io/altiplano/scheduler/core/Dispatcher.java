package io.altiplano.scheduler.core;

import io.altiplano.contracts.v1.RunningAttempt;
import io.altiplano.scheduler.fleet.Worker;
import io.altiplano.scheduler.lease.Lease;
import io.altiplano.scheduler.lease.LeaseTable.Held;
import io.altiplano.scheduler.placement.Candidate;
import io.altiplano.scheduler.placement.Placement;
import io.altiplano.scheduler.queue.FirstComeQueue;
import io.altiplano.scheduler.queue.JobQueue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Matches waiting jobs with workers, pool by pool, in the queue's order. */
final class Dispatcher {
    private final Shard shard;
    private final Map<String, JobQueue> queues = new TreeMap<>();

    Dispatcher(Shard shard) {
        this.shard = shard;
    }

    /** Puts a queued job into its place; no effect if it is there. */
    void enqueue(JobState job) {
        queues.computeIfAbsent(job.pool(), p -> new FirstComeQueue())
                .add(new JobQueue.Entry(
                        job.id(),
                        job.submission().getTenantId(),
                        Math.max(1, job.submission().getWeight()),
                        job.submission().getEstimatedCost(),
                        job.at().getOffset()));
    }

    void remove(JobState job) {
        JobQueue queue = queues.get(job.pool());
        if (queue != null) {
            queue.remove(job.id());
        }
    }

    int waiting() {
        return queues.values().stream().mapToInt(JobQueue::size).sum();
    }

    Collection<String> pools() {
        return List.copyOf(queues.keySet());
    }

    /** Decides grants for a pool until its queue is empty or the job whose turn it is fits nowhere. */
    void dispatch(String pool, long nowMs) {
        JobQueue queue = queues.get(pool);
        if (queue == null || queue.size() == 0) {
            return;
        }
        List<Worker> workers = shard.fleet.takers(pool, nowMs - shard.settings.grantFreshMs());
        for (Optional<JobQueue.Entry> head = queue.head(); head.isPresent(); head = queue.head()) {
            JobState job = shard.state.job(head.get().jobId());
            if (job == null || !(job.phase() instanceof Phase.Queued queued)) {
                throw new IllegalStateException("queued job " + head.get().jobId() + " is " + job);
            }
            long blocks = Placement.blocksFor(head.get().cost());
            Optional<Candidate> choice =
                    Placement.choose(candidates(workers), job.submission().getModel(), blocks);
            if (choice.isEmpty()) {
                return;
            }
            Worker worker = choice.get().worker();
            Lease lease = new Lease(job.id(), queued.lastEpoch() + 1, worker.id(), worker.bootId(), worker.ordinal());
            shard.leases.hold(lease, blocks, nowMs);
            shard.decidedAt.put(job.id(), nowMs);
            queue.remove(job.id());
            shard.decisions.add(new Decision(pool, Records.granted(lease, shard.settings.termMs(), nowMs)));
        }
    }

    private List<Candidate> candidates(List<Worker> workers) {
        List<Candidate> candidates = new ArrayList<>(workers.size());
        for (Worker worker : workers) {
            Set<String> listed = new HashSet<>();
            for (RunningAttempt r : worker.beat().getRunningList()) {
                listed.add(r.getJobId());
            }
            long committed = 0;
            long unseen = 0;
            Collection<Held> held = shard.leases.of(worker.id());
            for (Held h : held) {
                committed += h.blocks();
                unseen += listed.contains(h.lease().jobId()) ? 0 : h.blocks();
            }
            candidates.add(new Candidate(worker, held.size(), committed, unseen));
        }
        return candidates;
    }
}
