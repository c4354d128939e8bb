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
    /** A promise: its KV blocks at most, when it was last confirmed, and the most tokens a heartbeat has told of. */
    public record Held(Lease lease, long blocks, long renewedAtMs, long generatedTokens) {}

    private final Map<String, Held> byJob = new HashMap<>();
    private final Map<String, Map<String, Held>> byWorker = new HashMap<>();

    /** Promises a job to a worker; replaces an earlier promise of the same job. */
    public void hold(Lease lease, long blocks, long nowMs) {
        release(lease.jobId());
        put(new Held(lease, blocks, nowMs, 0));
    }

    /** The worker still runs it. */
    public void renew(String jobId, long generatedTokens, long nowMs) {
        Held held = byJob.get(jobId);
        if (held != null) {
            put(new Held(held.lease, held.blocks, nowMs, Math.max(held.generatedTokens, generatedTokens)));
        }
    }

    /** All promises count as confirmed now: after silence that was not the workers' fault. */
    public void renewAll(long nowMs) {
        List.copyOf(byJob.values()).forEach(h -> renew(h.lease.jobId(), 0, nowMs));
    }

    /** The promise is over; unknown jobs are ignored. */
    public void release(String jobId) {
        Held held = byJob.remove(jobId);
        if (held != null) {
            Map<String, Held> of = byWorker.get(held.lease.workerId());
            if (of != null) {
                of.remove(jobId);
                if (of.isEmpty()) {
                    byWorker.remove(held.lease.workerId());
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

    public int size() {
        return byJob.size();
    }

    private void put(Held held) {
        byJob.put(held.lease.jobId(), held);
        byWorker.computeIfAbsent(held.lease.workerId(), w -> new LinkedHashMap<>())
                .put(held.lease.jobId(), held);
    }
}
