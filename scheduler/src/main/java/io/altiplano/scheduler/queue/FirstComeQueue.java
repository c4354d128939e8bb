package io.altiplano.scheduler.queue;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** First come, first served: by arrival, so a retried job goes before those that came after it. */
public final class FirstComeQueue implements JobQueue {
    private final Map<String, Entry> byId = new HashMap<>();
    private final TreeMap<Long, Entry> byArrival = new TreeMap<>();

    @Override
    public void add(Entry entry) {
        if (byId.putIfAbsent(entry.jobId(), entry) == null) {
            byArrival.put(entry.arrival(), entry);
        }
    }

    @Override
    public Optional<Entry> head() {
        return Optional.ofNullable(byArrival.firstEntry()).map(Map.Entry::getValue);
    }

    @Override
    public void remove(String jobId) {
        Entry entry = byId.remove(jobId);
        if (entry != null) {
            byArrival.remove(entry.arrival());
        }
    }

    @Override
    public int size() {
        return byId.size();
    }
}
