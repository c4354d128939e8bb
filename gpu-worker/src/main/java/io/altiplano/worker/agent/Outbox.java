package io.altiplano.worker.agent;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jspecify.annotations.Nullable;

/** What one boot of a worker writes. Safe for use by many threads. */
final class Outbox implements AutoCloseable {
    private static final int FEW_SECONDS_MS = 5_000;

    private final Topics topics;
    private final String pool;
    private final Producer<String, byte[]> producer;

    /**
     * Learns where the topics' partitions are, so that a later send need not wait for that.
     *
     * @throws org.apache.kafka.common.KafkaException if the broker cannot be reached or refuses
     */
    Outbox(Map<String, Object> producerProperties, Topics topics, String pool) {
        this.topics = topics;
        this.pool = pool;
        Map<String, Object> properties = new HashMap<>(producerProperties);
        properties.put("max.block.ms", FEW_SECONDS_MS);
        this.producer = new KafkaProducer<>(properties, new StringSerializer(), new ByteArraySerializer());
        try {
            for (String topic : new String[] {topics.workers(), topics.attempts(), topics.replies()}) {
                producer.partitionsFor(topic);
            }
        } catch (RuntimeException e) {
            producer.close(Duration.ZERO);
            throw e;
        }
    }

    /** Sends a heartbeat; {@code done} hears null, or what went wrong. */
    void heartbeat(WorkerHeartbeat heartbeat, Consumer<@Nullable Exception> done) {
        send(new ProducerRecord<>(topics.workers(), pool, Topics.WORKER.encode(heartbeat)), done);
    }

    /** Sends an attempt's start or end. */
    void attempt(AttemptRecord attempt, Consumer<@Nullable Exception> done) {
        send(new ProducerRecord<>(topics.attempts(), pool, Topics.ATTEMPT.encode(attempt)), done);
    }

    /** Says what this worker could not take in. */
    void bury(DeadLetterRecord letter, Consumer<@Nullable Exception> done) {
        send(new ProducerRecord<>(topics.deadLetters("worker"), null, Topics.DEAD_LETTER.encode(letter)), done);
    }

    /** Sends deltas to the gateway that holds a partition. */
    void replies(int partition, Iterable<ReplyDelta> deltas, Consumer<@Nullable Exception> done) {
        byte[] record = Topics.REPLY.encode(
                ReplyRecord.newBuilder().addAllDeltas(deltas).build());
        send(new ProducerRecord<>(topics.replies(), partition, null, record), done);
    }

    /** Waits for what was sent. */
    void flush() {
        producer.flush();
    }

    /** Drops what is not yet sent. */
    @Override
    public void close() {
        producer.close(Duration.ZERO);
    }

    private void send(ProducerRecord<String, byte[]> message, Consumer<@Nullable Exception> done) {
        try {
            producer.send(message, (metadata, error) -> done.accept(error));
        } catch (RuntimeException e) {
            done.accept(e);
        }
    }
}
