package io.altiplano.gateway.job;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.RightWithdrawn;
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
    private final Producer<String, SubmissionRecord> patient;
    private final String topic;

    @Inject
    Submissions(KafkaSettings kafka, TopicSettings topics, JobSettings settings) {
        Map<String, Object> lasting = kafka.toKafkaConfig().producer();
        lasting.put("client.id", "gateway-follow-ups");
        // Callers hold the thread that reads replies: they wait for the topic no longer than a submission does.
        lasting.put("max.block.ms", Math.toIntExact(settings.submitTimeout().toMillis()));
        patient = new KafkaProducer<>(lasting, new StringSerializer(), Topics.SUBMISSION.serializer());
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

    /** Sends a new job; done when it is acknowledged by all replicas in sync. May block until the topic is known. */
    CompletableFuture<Void> send(String pool, SubmissionRecord body) {
        return send(producer, pool, body);
    }

    /** As {@link #send}. A job that was accepted before: it may be taken late, and twice. */
    CompletableFuture<Void> submit(JobSubmitted job) {
        return send(
                producer,
                job.getPool(),
                SubmissionRecord.newBuilder().setSubmitted(job).build());
    }

    /** Sends a word about a job that Kafka may hold: it must outlast an outage that was too long for a submission. */
    CompletableFuture<Void> sendFollowUp(String pool, SubmissionRecord body) {
        return send(patient, pool, body);
    }

    /**
     * Tells every partition that a right ended; done when each has acknowledged it. May block until the topic is known.
     *
     * @param epoch the licence epoch that began with its end
     * @param reason for the client
     */
    public CompletableFuture<Void> sendWithdrawn(String tenantId, String model, long epoch, String reason) {
        SubmissionRecord body = SubmissionRecord.newBuilder()
                .setWithdrawn(RightWithdrawn.newBuilder()
                        .setTenantId(tenantId)
                        .setModel(model)
                        .setLicenceEpoch(epoch)
                        .setReason(reason))
                .build();
        return CompletableFuture.allOf(patient.partitionsFor(topic).stream()
                .map(p -> send(patient, new ProducerRecord<>(topic, p.partition(), null, body)))
                .toArray(CompletableFuture[]::new));
    }

    private CompletableFuture<Void> send(Producer<String, SubmissionRecord> by, String pool, SubmissionRecord body) {
        return send(by, new ProducerRecord<>(topic, pool, body));
    }

    private static CompletableFuture<Void> send(
            Producer<String, SubmissionRecord> by, ProducerRecord<String, SubmissionRecord> record) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        try {
            var _ = by.send(record, (metadata, failure) -> {
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
        patient.close(Duration.ofSeconds(2));
    }
}
