package io.altiplano.gateway.job;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.GatewayLost;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.gateway.config.ClockSetBack;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jboss.logging.Logger;

/** Writes {@code submissions}, keyed by pool. */
@ApplicationScoped
public class Submissions {
    private static final Logger LOG = Logger.getLogger(Submissions.class);
    /** Longer than a sender takes between asking for a client and sending by it. */
    private static final Duration LAST_USE = Duration.ofSeconds(2);

    private final KafkaSettings kafka;
    private final Duration timeout;
    private final String topic;
    private volatile Clients clients;

    /**
     * @param brief for what nobody may take once its sender has given up
     * @param patient for what must outlast an outage
     */
    private record Clients(Producer<String, SubmissionRecord> brief, Producer<String, SubmissionRecord> patient) {
        void close(Duration within) {
            brief.close(within);
            patient.close(within);
        }
    }

    @Inject
    Submissions(KafkaSettings kafka, TopicSettings topics, JobSettings settings) {
        this.kafka = kafka;
        timeout = settings.submitTimeout();
        topic = topics.toTopics().submissions();
        clients = connect();
    }

    private Clients connect() {
        int millis = Math.toIntExact(timeout.toMillis());
        Map<String, Object> lasting = kafka.toKafkaConfig().producer();
        lasting.put("client.id", "gateway-follow-ups");
        // Callers hold the thread that reads replies: they wait for the topic no longer than a submission does.
        lasting.put("max.block.ms", millis);
        Map<String, Object> config = kafka.toKafkaConfig().producer();
        // A submission that Kafka takes after its client was sent away would be work for nobody.
        config.put("delivery.timeout.ms", millis);
        config.put("request.timeout.ms", millis * 3 / 5);
        config.put("max.block.ms", millis);
        config.put("client.id", "gateway-submissions");
        Producer<String, SubmissionRecord> brief =
                new KafkaProducer<>(config, new StringSerializer(), Topics.SUBMISSION.serializer());
        try {
            return new Clients(
                    brief, new KafkaProducer<>(lasting, new StringSerializer(), Topics.SUBMISSION.serializer()));
        } catch (RuntimeException e) {
            brief.close(Duration.ZERO);
            throw e;
        }
    }

    /** What the old clients do not get rid of within seconds fails; follow-ups then go by the new ones. */
    void renew(@Observes ClockSetBack setBack) {
        Clients old = clients;
        clients = connect();
        Thread.ofVirtual().start(() -> {
            LockSupport.parkNanos(LAST_USE.toNanos());
            try {
                old.brief.close(timeout);
                old.patient.close(LAST_USE);
            } catch (RuntimeException e) {
                LOG.warnf("an old client for Kafka was not closed: %s", e);
            }
        });
    }

    /** Sends a new job; done when it is acknowledged by all replicas in sync. May block until the topic is known. */
    CompletableFuture<Void> send(String pool, SubmissionRecord body) {
        return send(clients.brief, pool, body);
    }

    /** As {@link #send}. A job that was accepted before: it may be taken late, and twice. */
    CompletableFuture<Void> submit(JobSubmitted job) {
        return send(
                clients.brief,
                job.getPool(),
                SubmissionRecord.newBuilder().setSubmitted(job).build());
    }

    /** Sends a word about a job that Kafka may hold: it must outlast an outage that was too long for a submission. */
    void sendFollowUp(String pool, JobCancelled cancelled) {
        sendFollowUp(
                pool,
                SubmissionRecord.newBuilder().setCancelled(cancelled).build(),
                "the cancellation of " + cancelled.getJobId());
    }

    /** As {@link #sendFollowUp(String, JobCancelled)}. */
    void sendFollowUp(String pool, JobRelayed relayed) {
        sendFollowUp(
                pool, SubmissionRecord.newBuilder().setRelayed(relayed).build(), "the relay of " + relayed.getJobId());
    }

    private void sendFollowUp(String pool, SubmissionRecord body, String what) {
        ProducerRecord<String, SubmissionRecord> record = new ProducerRecord<>(topic, pool, body);
        Producer<String, SubmissionRecord> by = clients.patient;
        // Twice is no harm to any of them.
        var _ = send(by, record)
                .exceptionallyCompose(failure ->
                        by == clients.patient ? CompletableFuture.failedFuture(failure) : send(clients.patient, record))
                .exceptionally(failure -> {
                    LOG.warnf("%s was not acknowledged: %s", what, failure.getMessage());
                    return null;
                });
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
        return sendToAll(body);
    }

    /** Tells every partition that a gateway process is gone; done when each has acknowledged it. May block as {@link #sendWithdrawn}. */
    CompletableFuture<Void> sendGatewayLost(UUID gateway) {
        return sendToAll(SubmissionRecord.newBuilder()
                .setGatewayLost(GatewayLost.newBuilder().setGateway(gateway.toString()))
                .build());
    }

    private CompletableFuture<Void> sendToAll(SubmissionRecord body) {
        Producer<String, SubmissionRecord> patient = clients.patient;
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
        clients.close(Duration.ofSeconds(2));
    }
}
