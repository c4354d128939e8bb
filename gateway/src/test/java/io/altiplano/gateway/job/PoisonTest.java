package io.altiplano.gateway.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.Test;

/** What the gateway cannot take in is passed over and told of, with its place. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class PoisonTest {
    private final Topics topics = GatewayTestResource.get().topics();

    private static RecordMetadata send(String principal, String topic, int partition) throws Exception {
        try (var producer = new KafkaProducer<>(
                GatewayTestResource.get().kafka(principal).producer(),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            return producer.send(new ProducerRecord<>(topic, partition, null, new byte[] {9, 9, 9}))
                    .get(20, TimeUnit.SECONDS);
        }
    }

    private DeadLetter awaitLetter(Predicate<DeadLetter> wanted) {
        TopicPartition partition = new TopicPartition(topics.deadLetters("gateway"), 0);
        try (var consumer = new KafkaConsumer<>(
                GatewayTestResource.get().kafka("admin").consumer(),
                new StringDeserializer(),
                Topics.DEAD_LETTER.deserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long until = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (System.nanoTime() - until < 0) {
                for (ConsumerRecord<String, DeadLetterRecord> found : consumer.poll(Duration.ofMillis(100))) {
                    if (wanted.test(found.value().getBuried())) {
                        return found.value().getBuried();
                    }
                }
            }
        }
        throw new AssertionError("no such dead letter came");
    }

    private static Predicate<DeadLetter> of(RecordMetadata record) {
        return l -> l.getTopic().equals(record.topic())
                && l.getPartition() == record.partition()
                && l.getOffset() == record.offset();
    }

    @Test
    void aPoisonReplyAndAPoisonNoticeAreBuriedAndTheStreamGoesOn() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");
        try (KafkaPeer peer = new KafkaPeer();
                Sse stream = Sse.post("/v1/chat/completions", tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();

            RecordMetadata reply =
                    send("worker", topics.replies(), job.getReplyTo().getPartition());
            RecordMetadata notice =
                    send("scheduler", topics.notices(), job.getReplyTo().getPartition());
            peer.answer(job, "fine");

            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("fine");
            for (RecordMetadata poison : List.of(reply, notice)) {
                DeadLetter letter = awaitLetter(of(poison));
                assertThat(letter.getReader()).isEqualTo("gateway");
                assertThat(letter.getReason()).isEqualTo(DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE);
                assertThat(letter.getMessage()).contains("codec version 9");
            }
        }
    }

    @Test
    void aTerminalRecordThatCannotBePostedIsBuriedToo() throws Exception {
        RecordMetadata poison = send("scheduler", topics.jobs(), 0);

        DeadLetter letter = awaitLetter(of(poison));

        assertThat(letter.getReason()).isEqualTo(DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED);
        assertThat(letter.getMessage()).contains("codec version 9");
    }
}
