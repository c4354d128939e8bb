package io.altiplano.gateway.job;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes {@code submissions}, keyed by pool. */
@ApplicationScoped
public class Submissions {
    private final Producer<String, SubmissionRecord> producer;
    private final String topic;

    @Inject
    Submissions(KafkaSettings kafka, TopicSettings topics, JobSettings settings) {
        Map<String, Object> config = kafka.toKafkaConfig().producer();
        int timeout = Math.toIntExact(settings.submitTimeout().toMillis());
        // A submission that Kafka takes after its client was sent away would be work for nobody.
        config.put("delivery.timeout.ms", timeout);
        config.put("request.timeout.ms", timeout * 3 / 5);
        config.put("max.block.ms", timeout);
        config.put("client.id", "gateway-submissions");
        producer = new KafkaProducer<>(config, new StringSerializer(), Topics.SUBMISSION.serializer());
        topic = topics.toTopics().submissions();
    }

    /** Sends one record; done when it is acknowledged by all replicas in sync. May block until the topic is known. */
    CompletableFuture<Void> send(String pool, SubmissionRecord body) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try {
            var _ = producer.send(new ProducerRecord<>(topic, pool, body), (metadata, failure) -> {
                if (failure == null) {
                    done.complete(null);
                } else {
                    done.completeExceptionally(failure);
                }
            });
        } catch (RuntimeException e) {
            done.completeExceptionally(e);
        }
        return done;
    }

    void close(@Observes @Priority(3000) ShutdownEvent stop) {
        producer.close(Duration.ofSeconds(2));
    }
}
