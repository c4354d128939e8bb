package io.altiplano.scheduler.topology;

import io.altiplano.scheduler.topology.v1.StoredEntry;
import io.altiplano.scheduler.topology.v1.StoredPositions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How far each source topic was noted, so that a replay from its beginning (a consumer group whose offsets expired) does not
 * run old jobs again. The core knows recent repeats by id; what is older than its memory and was passed before is one too.
 * Written to the store after the changes that it covers, and the store's changelog keeps that order.
 */
final class Positions {
    /** The store's key. */
    static final String KEY = "p/positions";

    private final long memoryMs;
    private final Map<String, Long> stored = new HashMap<>();
    private final Map<String, Long> noted = new HashMap<>();

    Positions(long memoryMs, @Nullable StoredEntry entry) {
        this.memoryMs = memoryMs;
        if (entry != null) {
            stored.putAll(entry.getPositions().getOffsetsMap());
            noted.putAll(stored);
        }
    }

    /** Whether a record was noted in an earlier life, too long ago for its id to be remembered. */
    boolean forgottenRepeat(String topic, long offset, long timestampMs, long nowMs) {
        Long passed = stored.get(topic);
        return passed != null && offset <= passed && timestampMs < nowMs - memoryMs;
    }

    void noted(String topic, long offset) {
        noted.merge(topic, offset, Math::max);
    }

    /** What to store, if anything moved since the last call. */
    Optional<StoredEntry> moved() {
        if (noted.equals(stored)) {
            return Optional.empty();
        }
        stored.putAll(noted);
        return Optional.of(StoredEntry.newBuilder()
                .setPositions(StoredPositions.newBuilder().putAllOffsets(stored))
                .build());
    }
}
