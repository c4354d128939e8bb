package io.altiplano.scheduler.lease;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What each worker has been promised, and since when each promise was last confirmed. Holds decided grants too, so that a
 * worker is not promised the same room twice while a decision is on its way. Volatile: after a restart every lease
 * starts a full term.
 */
public final class LeaseTable {
    /**
     * A promise: its KV blocks at most, whether it gives way to interactive jobs, whether a heartbeat has listed it, when it was
     * last confirmed, and the most tokens a heartbeat has told of.
     */
    public record Held(
            Lease lease, long blocks, boolean yields, boolean seen, long renewedAtMs, long generatedTokens) {}

    /**
     * What a worker has been promised in all; {@code unseenBlocks} are of jobs that no heartbeat listed yet, {@code yielding} those
     * of jobs that give way to interactive ones.
     */
    public record Load(int leases, long blocks, long unseenBlocks, int yielding, long yieldingBlocks) {
        private static final Load NONE = new Load(0, 0, 0, 0, 0);

        private Load plus(Held h, int sign) {
            return new Load(
                    leases + sign,
                    blocks + sign * h.blocks,
                    unseenBlocks + (h.seen ? 0 : sign * h.blocks),
                    yielding + (h.yields ? sign : 0),
                    yieldingBlocks + (h.yields ? sign * h.blocks : 0));
        }
    }

    private final Map<String, Held> byJob = new HashMap<>();
    private final Map<String, Map<String, Held>> byWorker = new HashMap<>();
    private final Map<String, Load> loads = new HashMap<>();
    private long version;

    /** Promises a job to a worker; replaces an earlier promise of the same job. */
    public void hold(Lease lease, long blocks, boolean yields, long nowMs) {
        release(lease.jobId());
        put(new Held(lease, blocks, yields, false, nowMs, 0));
    }

    /** The worker still runs it: it said so at a start, or a heartbeat listed it. */
    public void renew(String jobId, boolean listed, long generatedTokens, long nowMs) {
        Held held = byJob.get(jobId);
        if (held != null) {
            put(new Held(
                    held.lease,
                    held.blocks,
                    held.yields,
                    held.seen || listed,
                    nowMs,
                    Math.max(held.generatedTokens, generatedTokens)));
        }
    }

    /** All promises count as confirmed now: after silence that was not the workers' fault. */
    public void renewAll(long nowMs) {
        List.copyOf(byJob.values()).forEach(h -> renew(h.lease.jobId(), false, 0, nowMs));
    }

    /** The promise is over; unknown jobs are ignored. */
    public void release(String jobId) {
        Held held = byJob.remove(jobId);
        if (held != null) {
            version++;
            String worker = held.lease.workerId();
            Map<String, Held> of = byWorker.get(worker);
            if (of != null) {
                of.remove(jobId);
                loads.merge(worker, Load.NONE, (load, none) -> load.plus(held, -1));
                if (of.isEmpty()) {
                    byWorker.remove(worker);
                    loads.remove(worker);
                }
            }
        }
    }

    public @Nullable Held held(String jobId) {
        return byJob.get(jobId);
    }

    /** Everything promised to a worker id, of whatever boot. */
    public Collection<Held> of(String workerId) {
        return byWorker.getOrDefault(workerId, Map.of()).values();
    }

    /** The sum of everything promised to a worker id. */
    public Load load(String workerId) {
        return loads.getOrDefault(workerId, Load.NONE);
    }

    /** The jobs that are promised to anyone. */
    public Collection<String> jobs() {
        return byJob.keySet();
    }

    public int size() {
        return byJob.size();
    }

    /** Changes whenever a worker may have got room. */
    public long version() {
        return version;
    }

    private void put(Held held) {
        String worker = held.lease.workerId();
        Held before = byJob.put(held.lease.jobId(), held);
        byWorker.computeIfAbsent(worker, w -> new LinkedHashMap<>()).put(held.lease.jobId(), held);
        Load load = before == null ? load(worker) : load(worker).plus(before, -1);
        loads.put(worker, load.plus(held, 1));
    }
}
