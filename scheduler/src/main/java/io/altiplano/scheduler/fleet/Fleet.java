package io.altiplano.scheduler.fleet;

import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.fleet.Boot.Superseded;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The workers of all pools of one partition. A boot id that was superseded is dead for good: its heartbeats, late or
 * replayed, are ignored, so two processes under one worker id cannot take turns.
 */
public final class Fleet {
    private static final int MOST_SUPERSEDED = 64;

    private final TreeMap<Key, Worker> workers = new TreeMap<>();
    private final Map<Key, Boot> boots = new TreeMap<>();
    private long version;

    private record Key(String pool, String workerId) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int byPool = pool.compareTo(other.pool);
            return byPool != 0 ? byPool : workerId.compareTo(other.workerId);
        }
    }

    /** What a heartbeat meant. */
    public enum Heard {
        /** Of a superseded boot, or a repeat: says nothing. */
        STALE,
        /** The present incarnation goes on. */
        KNOWN,
        /** A new incarnation: what the old one ran is lost. */
        NEW_BOOT
    }

    /** Takes in one heartbeat, in log order or repeated. */
    public Heard hear(WorkerHeartbeat beat, long nowMs) {
        Key key = new Key(beat.getPool(), beat.getWorkerId());
        Boot boot = boots.get(key);
        if (boot != null && boot.bootId().equals(beat.getBootId())) {
            Worker last = workers.get(key);
            if (last != null && beat.getSequence() <= last.beat().getSequence()) {
                return Heard.STALE;
            }
            version++;
            workers.put(key, new Worker(beat, nowMs));
            return Heard.KNOWN;
        }
        if (boot != null && boot.superseded().stream().anyMatch(s -> s.bootId().equals(beat.getBootId()))) {
            return Heard.STALE;
        }
        version++;
        boots.put(key, new Boot(key.pool, key.workerId, beat.getBootId(), nowMs, supersede(boot, nowMs)));
        workers.put(key, new Worker(beat, nowMs));
        return Heard.NEW_BOOT;
    }

    private static List<Superseded> supersede(@Nullable Boot boot, long nowMs) {
        List<Superseded> list = new ArrayList<>();
        if (boot != null) {
            list.add(new Superseded(boot.bootId(), nowMs));
            list.addAll(boot.superseded());
        }
        return List.copyOf(list.subList(0, Math.min(list.size(), MOST_SUPERSEDED)));
    }

    /** Puts back an incarnation that was known before a restart; the worker itself is unknown until it is heard. */
    public void restore(Boot boot) {
        boots.put(new Key(boot.pool(), boot.workerId()), boot);
    }

    /** The present incarnation of a worker, also of one that is not heard any more. */
    public Optional<Boot> boot(String pool, String workerId) {
        return Optional.ofNullable(boots.get(new Key(pool, workerId)));
    }

    /** The present incarnations of all workers. */
    public Collection<Boot> boots() {
        return boots.values();
    }

    /** Changes whenever a worker may have got room. */
    public long version() {
        return version;
    }

    /** Workers of a pool that were heard at or after a time and take new work. */
    public List<Worker> takers(String pool, long heardSinceMs) {
        List<Worker> takers = new ArrayList<>();
        for (Worker w :
                workers.subMap(new Key(pool, ""), new Key(pool + "\0", "")).values()) {
            if (w.heardAtMs() >= heardSinceMs && !w.beat().getDraining()) {
                takers.add(w);
            }
        }
        return takers;
    }

    /** Whether the worker's present incarnation says that it is shutting down. */
    public boolean draining(String pool, String workerId) {
        Worker worker = workers.get(new Key(pool, workerId));
        return worker != null && worker.beat().getDraining();
    }

    /** Workers heard at or after a time. */
    public long countHeardSince(long ms) {
        return workers.values().stream().filter(w -> w.heardAtMs() >= ms).count();
    }

    /**
     * Forgets workers not heard since a time, and their incarnations.
     *
     * @return what was forgotten
     */
    public Collection<Boot> forget(long heardBeforeMs) {
        List<Boot> gone = new ArrayList<>();
        boots.entrySet().removeIf(e -> {
            Worker worker = workers.get(e.getKey());
            long last = worker == null ? e.getValue().sinceMs() : worker.heardAtMs();
            if (last >= heardBeforeMs) {
                return false;
            }
            workers.remove(e.getKey());
            gone.add(e.getValue());
            return true;
        });
        return gone;
    }
}
