package io.altiplano.gateway.usage;

import io.altiplano.contracts.v1.JobRecord;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.common.TopicPartition;

/**
 * Which records of {@code jobs} have an effect: a scheduler that was replaced may still write, and its records stand behind those of a
 * greater generation. By offset, as records are read again after a lost commit. What it knows begins where it began to read.
 */
final class Generations {
    /** By partition, of which each is read by one thread at a time: where each generation was first read. */
    private final Map<TopicPartition, TreeMap<Long, Long>> begun = new ConcurrentHashMap<>();

    /** Whether a record at an offset is of the generation that holds the partition there. */
    boolean count(TopicPartition partition, long offset, JobRecord record) {
        TreeMap<Long, Long> of = begun.computeIfAbsent(partition, p -> new TreeMap<>());
        Map.Entry<Long, Long> before = of.lowerEntry(offset);
        long holds = before == null ? 0 : before.getValue();
        if (record.getGeneration() > holds) {
            of.put(offset, record.getGeneration());
        }
        return record.getGeneration() >= holds;
    }
}
