package io.altiplano.scheduler.topology;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;

/**
 * The settings that latency and recovery rest on. At least once, not exactly once: a transaction would hold every decision
 * back until its commit, and read-back authority makes repeats harmless.
 *
 * @param topics the prefix
 * @param kafka how to reach the broker
 * @param stateDir for the lock and the process's id; the stores are in memory
 * @param standbys warm copies of the store on other replicas
 * @param threads stream threads in this process, at least 1
 * @param replication replicas of the changelog topic, -1 for the broker's default
 * @param instanceId stable name of this replica for static group membership; empty for none: a replica that stops then
 *     leaves the group at once
 * @param session group session timeout
 */
public record StreamsProperties(
        Topics topics,
        KafkaConfig kafka,
        String stateDir,
        int standbys,
        int threads,
        int replication,
        String instanceId,
        Duration session) {

    public StreamsProperties {
        if (threads < 1) {
            throw new IllegalArgumentException("altiplano.scheduler.threads = " + threads + ": at least 1");
        }
    }

    /** The application's id, and the prefix of its internal topics: the scheduler's principal needs both. */
    public String applicationId() {
        return topics.prefix() + "scheduler";
    }

    /** Everything Kafka Streams is given. */
    public Properties properties() {
        Properties p = new Properties();
        p.putAll(kafka.common());
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, applicationId());
        p.put(StreamsConfig.STATE_DIR_CONFIG, stateDir);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, standbys);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, replication);
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
        // A record that is there is handed over at once; this bounds how late a tick may be.
        p.put(StreamsConfig.POLL_MS_CONFIG, 20);
        p.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, 0);
        // Keys are read leniently and values in the processor, which buries what it cannot read: nothing reaches this.
        p.put(StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);

        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), (int) session.toMillis());
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), (int) session.toMillis() / 4);
        p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.FETCH_MIN_BYTES_CONFIG), 1);
        // A fetch under way does not ask for a partition whose records were just being handed over, and only one is
        // under
        // way for a broker: this is the longest that such a partition waits for the next.
        p.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG), 10);
        p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        p.put(StreamsConfig.consumerPrefix("internal.leave.group.on.close"), instanceId.isEmpty());
        if (!instanceId.isEmpty()) {
            p.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), instanceId);
        }

        kafka.producer().forEach((key, value) -> p.put(StreamsConfig.producerPrefix(key), value));
        p.put(StreamsConfig.producerPrefix(ProducerConfig.MAX_BLOCK_MS_CONFIG), 10_000);
        return p;
    }
}
