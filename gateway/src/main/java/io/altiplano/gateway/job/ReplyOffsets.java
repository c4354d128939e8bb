package io.altiplano.gateway.job;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * How far a gateway has read each of its partitions of {@code replies} and {@code notices}, over the lives of its consumers. A
 * partition that is listened on already keeps its place, unless an earlier one is asked for. For one thread.
 */
final class ReplyOffsets {
    private static final Duration METADATA = Duration.ofSeconds(5);

    private final String replies;
    private final String notices;
    private final Map<TopicPartition, Long> positions = new HashMap<>();
    /** By partition of {@code replies}: the offset up to which it is read before notices of the same number go on. */
    private final Map<Integer, Long> catchingUp = new HashMap<>();

    ReplyOffsets(String replies, String notices) {
        this.replies = replies;
        this.notices = notices;
    }

    /** Puts a new consumer where the one before it stood. */
    void resume(Consumer<byte[], byte[]> consumer) {
        consumer.assign(positions.keySet());
        positions.forEach(consumer::seek);
        consumer.pause(catchingUp.keySet().stream()
                .map(partition -> new TopicPartition(notices, partition))
                .filter(positions::containsKey)
                .toList());
    }

    /** What was polled of these has been taken in. */
    void read(Consumer<byte[], byte[]> consumer, Set<TopicPartition> polled) {
        for (TopicPartition partition : polled) {
            positions.put(partition, consumer.position(partition));
        }
        caughtUp(consumer);
    }

    /**
     * Listens on these numbers and no others, from their end on where they are new.
     *
     * @param partition the number that is asked for, one of {@code keep}
     * @param from since when it is to be read; null: from now on
     */
    void listen(Consumer<byte[], byte[]> consumer, Set<Integer> keep, int partition, @Nullable Instant from) {
        Set<TopicPartition> assignment = keep.stream()
                .flatMap(p -> Stream.of(new TopicPartition(replies, p), new TopicPartition(notices, p)))
                .collect(Collectors.toSet());
        consumer.assign(assignment);
        positions.keySet().retainAll(assignment);
        List<TopicPartition> fresh = assignment.stream()
                .filter(place -> !positions.containsKey(place))
                .toList();
        if (!fresh.isEmpty()) {
            // All are asked for together; of none the client would take all that are assigned.
            consumer.seekToEnd(fresh);
        }
        fresh.forEach(place -> positions.put(place, consumer.position(place, METADATA)));
        if (from != null) {
            rewind(consumer, partition, from);
        }
    }

    /** The scheduler's word about a lost attempt is heard after what that attempt said, as it was the first time. */
    private void caughtUp(Consumer<byte[], byte[]> consumer) {
        catchingUp.entrySet().removeIf(entry -> {
            TopicPartition reply = new TopicPartition(replies, entry.getKey());
            TopicPartition notice = new TopicPartition(notices, entry.getKey());
            boolean gone = !consumer.assignment().contains(reply);
            if (!gone && consumer.position(reply, METADATA) < entry.getValue()) {
                return false;
            }
            if (!gone) {
                consumer.resume(Set.of(notice));
            }
            return true;
        });
    }

    private void rewind(Consumer<byte[], byte[]> consumer, int partition, Instant from) {
        TopicPartition reply = new TopicPartition(replies, partition);
        TopicPartition notice = new TopicPartition(notices, partition);
        long end = consumer.endOffsets(Set.of(reply), METADATA).getOrDefault(reply, 0L);
        var offsets =
                consumer.offsetsForTimes(Map.of(reply, from.toEpochMilli(), notice, from.toEpochMilli()), METADATA);
        for (TopicPartition place : Set.of(reply, notice)) {
            var found = offsets.get(place);
            if (found != null && found.offset() < consumer.position(place, METADATA)) {
                consumer.seek(place, found.offset());
                positions.put(place, found.offset());
            }
        }
        if (consumer.position(reply, METADATA) < end) {
            catchingUp.put(partition, end);
            consumer.pause(Set.of(notice));
        }
    }
}
