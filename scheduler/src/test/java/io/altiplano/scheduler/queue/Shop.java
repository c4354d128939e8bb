package io.altiplano.scheduler.queue;

import io.altiplano.scheduler.queue.JobQueue.Entry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.function.ToLongFunction;

/** A queue with some places behind it, each serving a token a millisecond, in virtual time. */
final class Shop {
    private final JobQueue queue;
    private final int places;
    private final ToLongFunction<Entry> served;
    private final PriorityQueue<Running> running =
            new PriorityQueue<>(Comparator.comparingLong(Running::endsAt).thenComparing(r -> r.entry.jobId()));
    private final Map<String, Long> addedAt = new HashMap<>();
    final Map<String, Long> waits = new HashMap<>();
    final Map<String, Long> servedByTenant = new HashMap<>();
    final Map<String, Long> servedByProject = new HashMap<>();
    final Map<String, Long> servedByClass = new HashMap<>();
    final List<String> begun = new ArrayList<>();
    long now;

    private record Running(Entry entry, long endsAt) {}

    /**
     * @param places jobs served at once
     * @param served tokens that a job really takes, whatever it was estimated at
     */
    Shop(JobQueue queue, int places, ToLongFunction<Entry> served) {
        this.queue = queue;
        this.places = places;
        this.served = served;
    }

    void add(Entry entry) {
        addedAt.put(entry.jobId(), now);
        queue.add(entry);
        fill();
    }

    private void fill() {
        while (running.size() < places && queue.head().isPresent()) {
            Entry entry = queue.head().get();
            queue.take(entry.jobId());
            queue.begin(entry);
            begun.add(entry.jobId());
            waits.put(entry.jobId(), now - addedAt.getOrDefault(entry.jobId(), now));
            running.add(new Running(entry, now + served.applyAsLong(entry)));
        }
    }

    /** Serves until a time, or until nothing runs. */
    void runUntil(long end) {
        while (!running.isEmpty() && running.peek().endsAt <= end) {
            Running done = running.remove();
            now = done.endsAt;
            long tokens = served.applyAsLong(done.entry);
            queue.end(done.entry.jobId(), tokens);
            servedByTenant.merge(done.entry.tenant(), tokens, Long::sum);
            servedByProject.merge(done.entry.project(), tokens, Long::sum);
            servedByClass.merge(done.entry.jobClass().name(), tokens, Long::sum);
            fill();
        }
        now = end == Long.MAX_VALUE ? now : end;
    }
}
