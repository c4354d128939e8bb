package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import io.altiplano.contracts.Codec;
import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.CancelAttempt;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkRecord;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The other side of the worker's topics on the infrastructure's real broker: what gateways and the scheduler write to a
 * worker, and what it writes. Topics of its own under a random prefix.
 */
final class Broker implements AutoCloseable {
    static final String POOL = "default";
    private static final int PARTITIONS = 4;

    private final Properties infra = infra();
    private final Topics topics = new Topics("worker-" + UUID.randomUUID() + "-");
    private final KafkaProducer<String, byte[]> producer;

    Broker() {
        List<NewTopic> wanted = new ArrayList<>();
        for (String name : List.of(
                topics.submissions(),
                topics.attempts(),
                topics.workers(),
                topics.replies(),
                topics.work(POOL),
                topics.deadLetters("worker"))) {
            wanted.add(new NewTopic(name, Optional.of(PARTITIONS), Optional.empty()));
        }
        try (Admin admin = Admin.create(as("admin").common())) {
            await(admin.createTopics(wanted).all().toCompletionStage().toCompletableFuture());
        }
        producer = new KafkaProducer<>(as("admin").producer(), new StringSerializer(), new ByteArraySerializer());
    }

    Topics topics() {
        return topics;
    }

    /** How a principal reaches the broker. */
    KafkaConfig as(String principal) {
        return new KafkaConfig(
                infra.getProperty("kafka.bootstrap"),
                infra.getProperty("kafka.security"),
                infra.getProperty("kafka.mechanism"),
                infra.getProperty("kafka." + principal + ".username", ""),
                infra.getProperty("kafka." + principal + ".password", ""));
    }

    LogPointer submit(JobSubmitted job) {
        return write(SubmissionRecord.newBuilder().setSubmitted(job).build());
    }

    LogPointer relay(JobRelayed relayed) {
        return write(SubmissionRecord.newBuilder().setRelayed(relayed).build());
    }

    void grant(int ordinal, String bootId, Grant grant) {
        work(
                ordinal,
                Topics.WORK.encode(WorkRecord.newBuilder()
                        .setBootId(bootId)
                        .setGrant(grant)
                        .build()));
    }

    void cancel(int ordinal, String bootId, String jobId, int epoch) {
        CancelAttempt cancel = CancelAttempt.newBuilder()
                .setJobId(jobId)
                .setEpoch(epoch)
                .setReason("test")
                .build();
        work(
                ordinal,
                Topics.WORK.encode(WorkRecord.newBuilder()
                        .setBootId(bootId)
                        .setCancel(cancel)
                        .build()));
    }

    long work(int ordinal, byte[] bytes) {
        return await(producer.send(new ProducerRecord<>(topics.work(POOL), ordinal, POOL, bytes)))
                .offset();
    }

    /** Takes the heartbeats' topic away: none is acknowledged any more. */
    void deleteHeartbeats() {
        try (Admin admin = Admin.create(as("admin").common())) {
            await(admin.deleteTopics(List.of(topics.workers()))
                    .all()
                    .toCompletionStage()
                    .toCompletableFuture());
        }
    }

    /** Gives the heartbeats' topic back, empty. */
    void createHeartbeats() {
        try (Admin admin = Admin.create(as("admin").common())) {
            await(admin.createTopics(List.of(new NewTopic(topics.workers(), Optional.of(PARTITIONS), Optional.empty())))
                    .all()
                    .toCompletionStage()
                    .toCompletableFuture());
        }
    }

    /** Waits for what no topic tells. */
    void awaitTrue(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(20_000_000);
        }
        assertThat(condition.getAsBoolean()).as(what + " within 30 s").isTrue();
    }

    private LogPointer write(SubmissionRecord submission) {
        RecordMetadata at = await(
                producer.send(new ProducerRecord<>(topics.submissions(), POOL, Topics.SUBMISSION.encode(submission))));
        return LogPointer.newBuilder()
                .setPartition(at.partition())
                .setOffset(at.offset())
                .build();
    }

    /** Everything of a topic, from its start. */
    <M extends Message> Tail<M> tail(String topic, Codec<M> codec) {
        return new Tail<>(
                new KafkaConsumer<>(as("admin").consumer(), new StringDeserializer(), new ByteArrayDeserializer()),
                topic,
                codec);
    }

    @Override
    public void close() {
        producer.close();
        try (Admin admin = Admin.create(as("admin").common())) {
            await(admin.deleteTopics(List.of(
                            topics.submissions(),
                            topics.attempts(),
                            topics.workers(),
                            topics.replies(),
                            topics.work(POOL),
                            topics.deadLetters("worker")))
                    .all()
                    .toCompletionStage()
                    .toCompletableFuture());
        }
    }

    /** Reads a topic's records in the order in which they come. */
    static final class Tail<M extends Message> implements AutoCloseable {
        private final KafkaConsumer<String, byte[]> consumer;
        private final Codec<M> codec;
        private final List<M> read = new ArrayList<>();

        Tail(KafkaConsumer<String, byte[]> consumer, String topic, Codec<M> codec) {
            this.consumer = consumer;
            this.codec = codec;
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(p -> new TopicPartition(topic, p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
        }

        /** All that was read so far. */
        List<M> read() {
            return List.copyOf(read);
        }

        /** Reads until a record fits, and returns it; records read before count. */
        M await(String what, Predicate<M> fits) {
            Optional<M> found = read.stream().filter(fits).findFirst();
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            while (found.isEmpty() && System.nanoTime() - deadline < 0) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    M message = codec.decode(record.value());
                    read.add(message);
                    if (found.isEmpty() && fits.test(message)) {
                        found = Optional.of(message);
                    }
                }
            }
            assertThat(found).as(what + " within 30 s").isPresent();
            return found.orElseThrow();
        }

        @Override
        public void close() {
            consumer.close();
        }
    }

    private static <T> T await(Future<T> future) {
        try {
            return future.get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Properties infra() {
        Path file = Path.of(System.getProperty("altiplano.infra", ".altiplano/infra/infra.properties"));
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    file + " is not there: this test needs a real Kafka; start it with ./altiplano infra", e);
        }
        assertThat(Map.copyOf(properties)).containsKey("kafka.bootstrap");
        return properties;
    }
}
