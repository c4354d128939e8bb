package io.altiplano.scheduler.queue;

import io.altiplano.contracts.v1.JobClass;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** First come, first served, which is not fair: the negative control of all that is said of fairness. */
public final class FirstComeQueue implements JobQueue {
    private final Map<String, Entry> byId = new HashMap<>();
    private final TreeMap<Long, Entry> byArrival = new TreeMap<>();
    private final Map<String, Entry> promised = new HashMap<>();
    private final Set<String> running = new HashSet<>();
    private boolean parked;

    @Override
    public void add(Entry entry) {
        if (!promised.containsKey(entry.jobId())
                && !running.contains(entry.jobId())
                && byId.putIfAbsent(entry.jobId(), entry) == null) {
            byArrival.put(entry.arrival(), entry);
        }
    }

    @Override
    public Optional<Entry> head() {
        return parked
                ? Optional.empty()
                : Optional.ofNullable(byArrival.firstEntry()).map(Map.Entry::getValue);
    }

    @Override
    public void take(String jobId) {
        Entry entry = Objects.requireNonNull(byId.get(jobId), jobId);
        remove(jobId);
        promised.put(jobId, entry);
    }

    @Override
    public void begin(Entry entry) {
        remove(entry.jobId());
        running.add(entry.jobId());
    }

    @Override
    public void remove(String jobId) {
        promised.remove(jobId);
        Entry entry = byId.remove(jobId);
        if (entry != null) {
            byArrival.remove(entry.arrival());
        }
    }

    @Override
    public void end(String jobId, long servedTokens) {
        remove(jobId);
        running.remove(jobId);
    }

    @Override
    public void park(String jobId) {
        parked = true;
    }

    @Override
    public void unparkAll() {
        parked = false;
    }

    @Override
    public int size() {
        return byId.size();
    }

    @Override
    public int waiting(String tenant, JobClass jobClass) {
        return (int) byId.values().stream()
                .filter(e -> e.tenant().equals(tenant) && e.jobClass() == jobClass)
                .count();
    }
}
