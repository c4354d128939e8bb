package io.altiplano.gateway.usage;

import io.altiplano.contracts.v1.JobRecord;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.TopicPartition;

/**
 * Which records of {@code jobs} have an effect: a scheduler that was replaced may still write, and its records stand behind those of a
 * greater generation. By offset, as records are read again after a lost commit.
 */
final class Generations {
    /** By partition, of which each is read by one thread at a time: where each generation was first read. */
    private final Map<TopicPartition, TreeMap<Long, Long>> begun = new ConcurrentHashMap<>();

    /** Reading begins at an offset, where a generation holds the partition; 0 if that is not known. */
    void begin(TopicPartition partition, long offset, long generation) {
        if (generation > holding(partition, offset)) {
            of(partition).put(offset - 1, generation);
        }
    }

    /** The generation that holds a partition right before an offset; 0 if that is not known. */
    long holding(TopicPartition partition, long offset) {
        Map.Entry<Long, Long> before = of(partition).lowerEntry(offset);
        return before == null ? 0 : before.getValue();
    }

    private TreeMap<Long, Long> of(TopicPartition partition) {
        return begun.computeIfAbsent(partition, p -> new TreeMap<>());
    }

    /** Whether a record at an offset is of the generation that holds the partition there. */
    boolean count(TopicPartition partition, long offset, JobRecord record) {
        long holds = holding(partition, offset);
        if (record.getGeneration() > holds) {
            of(partition).put(offset, record.getGeneration());
        }
        return record.getGeneration() >= holds;
    }
}
