package io.altiplano.stack.platform;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterClosed;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.stack.infra.InfraException;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;

/**
 * Where an operator sees what services could not take in, and has it delivered again once its cause is repaired. A letter is open
 * until it was replayed or discarded; a record that is passed over again after its replay has a new letter, for it has a
 * new place.
 */
public final class DeadLetterDesk implements AutoCloseable {
    /** On a replayed record, the place it was replayed from: partition@offset. */
    public static final String REPLAY_OF = "altiplano-replay-of";

    private static final List<String> READERS = List.of("gateway", "scheduler", "worker");
    private static final String OPERATOR = "operator";
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Topics topics;
    private final Clock clock;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Producer<byte[], byte[]> producer;

    /** As the operator's principal. */
    public DeadLetterDesk(KafkaConfig kafka, Topics topics, Clock clock) {
        this.topics = topics;
        this.clock = clock;
        Map<String, Object> reading = kafka.consumer();
        reading.put("auto.offset.reset", "none");
        consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        producer = new KafkaProducer<>(kafka.producer(), new ByteArraySerializer(), new ByteArraySerializer());
    }

    /**
     * A record that was passed over.
     *
     * @param first what its reader said, the first time
     * @param closed what became of it; null while it is open
     */
    public record Letter(DeadLetter first, @Nullable DeadLetterClosed closed) {
        /** topic/partition/offset: its name. */
        public String id() {
            return id(first.getTopic(), first.getPartition(), first.getOffset());
        }

        /** Whether nothing was done about it. */
        public boolean open() {
            return closed == null;
        }

        static String id(String topic, int partition, long offset) {
            return topic + "/" + partition + "/" + offset;
        }
    }

    /** All letters that are kept, in the order in which their readers wrote them, each once. */
    public List<Letter> letters() {
        Map<String, Letter> found = new LinkedHashMap<>();
        for (String reader : READERS) {
            each(topics.deadLetters(reader), record -> {
                Letter letter = new Letter(record.getBuried(), null);
                found.putIfAbsent(letter.id(), letter);
            });
        }
        each(topics.deadLetters(OPERATOR), record -> {
            DeadLetterClosed c = record.getClosed();
            found.computeIfPresent(
                    Letter.id(c.getTopic(), c.getPartition(), c.getOffset()), (id, l) -> new Letter(l.first(), c));
        });
        return List.copyOf(found.values());
    }

    /** The letter of a name, open or not. */
    public Optional<Letter> find(String id) {
        return letters().stream().filter(l -> l.id().equals(id)).findFirst();
    }

    /**
     * Appends the record to its partition again, as it was, and closes the letter. A crash between the two leaves it open: a record
     * that is delivered twice is no harm to any reader.
     *
     * @return where it stands now
     * @throws InfraException if its topic does not keep it any more
     */
    public LogPointer replay(Letter letter) {
        DeadLetter l = letter.first();
        ConsumerRecord<byte[], byte[]> record = source(l);
        ProducerRecord<byte[], byte[]> again =
                new ProducerRecord<>(record.topic(), record.partition(), record.key(), record.value());
        record.headers().forEach(again.headers()::add);
        String from = record.partition() + "@" + record.offset();
        again.headers().add(new RecordHeader(REPLAY_OF, from.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        RecordMetadata at = send(again);
        LogPointer pointer = LogPointer.newBuilder()
                .setPartition(at.partition())
                .setOffset(at.offset())
                .build();
        close(l, closing(l, "replayed").setReplayedAt(pointer));
        return pointer;
    }

    /** Closes a letter without a replay, for a reason. */
    public void discard(Letter letter, String why) {
        close(letter.first(), closing(letter.first(), why));
    }

    private DeadLetterClosed.Builder closing(DeadLetter l, String note) {
        return DeadLetterClosed.newBuilder()
                .setTopic(l.getTopic())
                .setPartition(l.getPartition())
                .setOffset(l.getOffset())
                .setNote(note)
                .setAtMs(clock.millis());
    }

    private void close(DeadLetter l, DeadLetterClosed.Builder closed) {
        DeadLetterRecord record =
                DeadLetterRecord.newBuilder().setClosed(closed).build();
        send(new ProducerRecord<>(topics.deadLetters(OPERATOR), Topics.DEAD_LETTER.encode(record)));
    }

    private ConsumerRecord<byte[], byte[]> source(DeadLetter l) {
        TopicPartition partition = new TopicPartition(l.getTopic(), l.getPartition());
        String gone = "the record of " + Letter.id(l.getTopic(), l.getPartition(), l.getOffset())
                + " is not kept any more; discard its letter with a reason";
        consumer.assign(List.of(partition));
        long first = consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
        if (l.getOffset() < first) {
            throw new InfraException(gone);
        }
        consumer.seek(partition, l.getOffset());
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() - deadline < 0) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                if (record.offset() == l.getOffset()) {
                    return record;
                }
                throw new InfraException(gone);
            }
        }
        throw new InfraException("Kafka did not give the record of " + partition + " within " + PATIENCE);
    }

    private void each(String topic, Consumer<DeadLetterRecord> what) {
        TopicPartition partition = new TopicPartition(topic, 0);
        consumer.assign(List.of(partition));
        consumer.seekToBeginning(List.of(partition));
        long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (consumer.position(partition) < end) {
            if (System.nanoTime() - deadline > 0) {
                throw new InfraException("Kafka did not give all of " + topic + " within " + PATIENCE);
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                what.accept(Topics.DEAD_LETTER.decode(record.value()));
            }
        }
    }

    private RecordMetadata send(ProducerRecord<byte[], byte[]> record) {
        try {
            return producer.send(record).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted while writing to " + record.topic(), e);
        } catch (ExecutionException | KafkaException e) {
            throw new InfraException("cannot write to " + record.topic() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        consumer.close();
        producer.close();
    }
}
