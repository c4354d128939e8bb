package io.altiplano.scheduler.topology;

import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.processor.StreamPartitioner;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A record on its way out, with the partition that the core chose.
 *
 * @param partition the partition to write to
 * @param value the encoded message
 */
record Outgoing(int partition, byte[] value) {
    private static final Logger LOG = LoggerFactory.getLogger(Outgoing.class);

    static final Serializer<Outgoing> SERIALIZER = (topic, outgoing) -> outgoing.value();

    /**
     * Writes where the record says. A partition that the topic does not have is somebody's wrong address (a worker's
     * ordinal, a gateway's reply partition): the record is dropped with a log line, and the partition is not stalled by it.
     */
    static final StreamPartitioner<String, Outgoing> PARTITIONER = (topic, key, outgoing, partitions) -> {
        if (outgoing.partition() < 0 || outgoing.partition() >= partitions) {
            LOG.error(
                    "RecordDropped topic={} partition={} partitions={}: give the topic more partitions or the worker a lower ordinal",
                    topic,
                    outgoing.partition(),
                    partitions);
            return Optional.of(Set.of());
        }
        return Optional.of(Set.of(outgoing.partition()));
    };
}
