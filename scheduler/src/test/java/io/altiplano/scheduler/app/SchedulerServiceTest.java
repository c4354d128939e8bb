package io.altiplano.scheduler.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.scheduler.Infra;
import io.altiplano.scheduler.Samples;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.Test;

/** The service as it is deployed: it becomes ready, decides, and says so in its log and metrics. */
@QuarkusTest
@QuarkusTestResource(OnInfra.class)
class SchedulerServiceTest {
    @Inject
    TopicSettings topics;

    /** Keeps the scheduler's log lines. */
    private static final class Lines extends Handler {
        private final PatternFormatter formatter = new PatternFormatter("%s");
        final List<String> lines = new CopyOnWriteArrayList<>();

        @Override
        public void publish(LogRecord record) {
            lines.add(formatter.format(ExtLogRecord.wrap(record)));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    private static void await(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
        }
    }

    @Test
    void aReadySchedulerLogsAndCountsItsDecisions() {
        // given
        Lines log = new Lines();
        Logger.getLogger("io.altiplano.scheduler").addHandler(log);
        await("ready", () -> RestAssured.get("/q/health/ready").statusCode() == 200);
        assertThat(RestAssured.get("/q/health/live").jsonPath().getString("status"))
                .isEqualTo("UP");
        Topics names = topics.topics();
        String id = Samples.jobId();

        // when
        try (KafkaProducer<String, byte[]> worker = producer("worker");
                KafkaProducer<String, byte[]> gateway = producer("gateway")) {
            worker.send(new ProducerRecord<>(
                    names.workers(),
                    Samples.POOL,
                    Topics.WORKER.encode(Samples.beat(0, "boot-a", 1).build())));
            gateway.send(new ProducerRecord<>(
                    names.submissions(),
                    Samples.POOL,
                    Topics.SUBMISSION.encode(SubmissionRecord.newBuilder()
                            .setSubmitted(Samples.job(id))
                            .build())));
        }

        // then
        await(
                "the grant in the log",
                () -> log.lines.stream()
                        .anyMatch(line ->
                                line.startsWith("LeaseGranted epoch=1 job=" + id + " worker=default-0 partition=")
                                        && line.contains("pool=default")));
        await(
                "the numbers",
                () -> RestAssured.get("/q/metrics").asString().contains("altiplano_scheduler_jobs_leased 1.0"));
        assertThat(RestAssured.get("/q/metrics").asString())
                .contains("altiplano_scheduler_events_total{event=\"LeaseGranted\"} 1.0");
    }

    private static KafkaProducer<String, byte[]> producer(String principal) {
        return new KafkaProducer<>(
                Infra.require().kafka(principal).producer(), new StringSerializer(), new ByteArraySerializer());
    }
}
