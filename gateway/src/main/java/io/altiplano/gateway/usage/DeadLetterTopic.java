package io.altiplano.gateway.usage;

import io.altiplano.contracts.DeadLetters;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.gateway.config.ClockSetBack;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Where this gateway says what it could not take in. Nobody waits for it: each is told from a thread of its own, and one that
 * Kafka does not take is a line in the log. It connects when it is first needed, which is hardly ever.
 */
@ApplicationScoped
public class DeadLetterTopic {
    private static final Logger LOG = Logger.getLogger(DeadLetterTopic.class);
    private static final int FEW_SECONDS_MS = 5_000;

    private final KafkaSettings kafka;
    private final Topics topics;
    private final Clock clock;
    private final MeterRegistry registry;
    private @Nullable Producer<byte[], byte[]> producer;

    @Inject
    DeadLetterTopic(KafkaSettings kafka, TopicSettings topics, Clock clock, MeterRegistry registry) {
        this.kafka = kafka;
        this.topics = topics.toTopics();
        this.clock = clock;
        this.registry = registry;
    }

    /** Counts records that were passed over, once that is final. */
    public void count(String topic, int records) {
        registry.counter("altiplano.dead.letters", "topic", topic).increment(records);
    }

    /**
     * Says that a record was passed over, or may have to be: again is no harm.
     *
     * @param why for people; nothing of the record's content
     */
    public void bury(String topic, int partition, long offset, DeadLetterReason reason, String why) {
        LOG.errorf("%s[%d]@%d is passed over: %s", topic, partition, offset, why);
        byte[] value = Topics.DEAD_LETTER.encode(
                DeadLetters.buried("gateway", topic, partition, offset, reason, why, clock.millis()));
        Thread.startVirtualThread(() -> send(value));
    }

    private void send(byte[] value) {
        try {
            var _ = connected().send(new ProducerRecord<>(topics.deadLetters("gateway"), value), (at, failure) -> {
                if (failure != null) {
                    LOG.errorf("a dead letter was not taken: %s", failure);
                }
            });
        } catch (RuntimeException e) {
            LOG.errorf("a dead letter was not taken: %s", e);
        }
    }

    private synchronized Producer<byte[], byte[]> connected() {
        Producer<byte[], byte[]> p = producer;
        if (p == null) {
            Map<String, Object> config = kafka.toKafkaConfig().producer();
            config.put("client.id", "gateway-dead-letters");
            config.put("max.block.ms", FEW_SECONDS_MS);
            p = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
            producer = p;
        }
        return p;
    }

    synchronized void renew(@Observes ClockSetBack setBack) {
        Producer<byte[], byte[]> old = producer;
        producer = null;
        if (old != null) {
            Thread.startVirtualThread(() -> old.close(Duration.ofSeconds(2)));
        }
    }

    synchronized void close(@Observes ShutdownEvent stop) {
        if (producer != null) {
            producer.close(Duration.ofSeconds(2));
        }
    }
}
