package io.altiplano.stack.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.DeadLetters;
import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.TestInfra;
import io.altiplano.stack.infra.TopicProvisioner;
import io.altiplano.stack.platform.DeadLetterDesk.Letter;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Poison on a real broker, from burial to replay. */
class DeadLetterDeskTest {
    private static final byte[] KEY = {'p'};
    private static final byte[] POISON = {9, 1, 2, 3};

    private final Topics topics = new Topics("dead-" + UUID.randomUUID() + "-");
    private final KafkaConfig kafka = admin();
    private final Clock clock = Clock.fixed(Instant.parse("2026-01-02T03:04:05Z"), ZoneOffset.UTC);
    private final Admin admin = Admin.create(kafka.common());
    private final KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer());
    private final DeadLetterDesk desk = new DeadLetterDesk(kafka, topics, clock);

    private static KafkaConfig admin() {
        Properties p = TestInfra.properties();
        return new KafkaConfig(
                p.getProperty("kafka.bootstrap"),
                p.getProperty("kafka.security"),
                p.getProperty("kafka.mechanism"),
                p.getProperty("kafka.admin.username"),
                p.getProperty("kafka.admin.password"));
    }

    @BeforeEach
    void topics() {
        new TopicProvisioner(admin, topics).createTopics(List.of("default"));
    }

    @AfterEach
    void close() throws Exception {
        desk.close();
        producer.close();
        admin.deleteTopics(admin.listTopics().names().get().stream()
                        .filter(t -> t.startsWith(topics.prefix()))
                        .toList())
                .all()
                .get();
        admin.close();
    }

    private long poison() throws Exception {
        return producer.send(new ProducerRecord<>(topics.submissions(), 2, KEY, POISON))
                .get()
                .offset();
    }

    private void bury(long offset) throws Exception {
        DeadLetterRecord letter = DeadLetters.buried(
                "scheduler",
                topics.submissions(),
                2,
                offset,
                DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE,
                "version 9",
                clock.millis());
        producer.send(new ProducerRecord<>(topics.deadLetters("scheduler"), Topics.DEAD_LETTER.encode(letter)))
                .get();
    }

    @Test
    void aLetterIsOpenUntilItsRecordIsReplayedToItsPartitionByteForByte() throws Exception {
        // given: two records that were passed over, one of them told of twice
        long first = poison();
        long second = poison();
        bury(first);
        bury(first);
        bury(second);
        List<Letter> before = desk.letters();
        assertThat(before)
                .extracting(Letter::id)
                .containsExactly(topics.submissions() + "/2/" + first, topics.submissions() + "/2/" + second);
        assertThat(before).allMatch(Letter::open);
        assertThat(before.getFirst().first().getReader()).isEqualTo("scheduler");
        assertThat(before.getFirst().first().getMessage()).isEqualTo("version 9");

        // when: the reader was repaired
        LogPointer at = desk.replay(before.getFirst());

        // then
        assertThat(at)
                .isEqualTo(LogPointer.newBuilder().setPartition(2).setOffset(2).build());
        ConsumerRecord<byte[], byte[]> again = record(at);
        assertThat(again.key()).isEqualTo(KEY);
        assertThat(again.value()).isEqualTo(POISON);
        assertThat(new String(
                        again.headers().lastHeader(DeadLetterDesk.REPLAY_OF).value()))
                .isEqualTo("2@" + first);
        assertThat(desk.letters()).extracting(Letter::open).containsExactly(false, true);

        // and: passed over again it has a letter of its own
        bury(at.getOffset());
        assertThat(desk.letters()).extracting(Letter::open).containsExactly(false, true, true);
    }

    @Test
    void aLetterWhoseRecordIsNotKeptIsToBeDiscardedWithAReason() throws Exception {
        // given
        bury(poison());
        Letter letter = desk.letters().getFirst();
        admin.deleteRecords(Map.of(new TopicPartition(topics.submissions(), 2), RecordsToDelete.beforeOffset(1)))
                .all()
                .get();

        // when
        assertThatThrownBy(() -> desk.replay(letter))
                .isInstanceOf(InfraException.class)
                .hasMessageContaining(letter.id())
                .hasMessageContaining("discard");
        desk.discard(letter, "a probe of mine");

        // then
        Letter closed = desk.find(letter.id()).orElseThrow();
        assertThat(closed.closed()).isNotNull().satisfies(c -> {
            assertThat(c.hasReplayedAt()).isFalse();
            assertThat(c.getNote()).isEqualTo("a probe of mine");
        });
    }

    private ConsumerRecord<byte[], byte[]> record(LogPointer at) {
        TopicPartition partition = new TopicPartition(topics.submissions(), at.getPartition());
        try (var consumer =
                new KafkaConsumer<>(kafka.consumer(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, at.getOffset());
            return consumer.poll(Duration.ofSeconds(20)).iterator().next();
        }
    }
}
