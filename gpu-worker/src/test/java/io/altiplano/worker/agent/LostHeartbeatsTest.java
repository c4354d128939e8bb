package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.agent.Broker.Tail;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.ModelStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A worker whose heartbeats the broker does not take: their topic is gone for a while. */
class LostHeartbeatsTest {
    private static final AgentSettings IMPATIENT =
            new AgentSettings(Broker.POOL, 0, 4, Duration.ofSeconds(3), Duration.ofMillis(100), Duration.ofSeconds(5));

    @Test
    void a_worker_that_is_not_heard_abandons_what_it_runs_and_comes_back_as_another_boot(@TempDir Path dir) {
        TinyModels.write(dir.resolve("tiny"));
        CountDownLatch abandoned = new CountDownLatch(1);
        try (Broker broker = new Broker();
                ModelStore models = new ModelStore(dir, TinyModels.options(), new EngineOptions(4, 64, 64))) {
            models.observe((model, report) -> holdWhile(report.generatedTokens() > 0, abandoned));
            try (Agent agent = new Agent(IMPATIENT, broker.as("worker"), broker.topics(), models, Clock.systemUTC())) {
                String firstBoot = firstHeartbeat(broker).getBootId();
                JobSubmitted job = longJob();
                broker.grant(0, firstBoot, grantOf(broker, job));
                try (Tail<AttemptRecord> attempts = broker.tail(broker.topics().attempts(), Topics.ATTEMPT)) {
                    attempts.await("the start", AttemptRecord::hasStarted);

                    broker.deleteHeartbeats();
                    broker.awaitTrue(
                            "the first boot to end", () -> !agent.bootId().equals(firstBoot));
                    assertThat(agent.isReady()).isFalse();
                    abandoned.countDown();
                    broker.createHeartbeats();

                    WorkerHeartbeat after = firstHeartbeat(broker);
                    assertThat(after.getBootId()).isNotEqualTo(firstBoot);
                    assertThat(after.getRunningCount()).isZero();
                    JobSubmitted next = longJob();
                    broker.grant(0, after.getBootId(), grantOf(broker, next));
                    attempts.await(
                            "the end of a job of the second boot",
                            a -> a.getEnded().getJobId().equals(next.getJobId()));
                    assertThat(attempts.read())
                            .noneMatch(a -> a.getEnded().getJobId().equals(job.getJobId()));
                }
            }
        }
    }

    private static void holdWhile(boolean generating, CountDownLatch latch) {
        try {
            assertThat(!generating || latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static WorkerHeartbeat firstHeartbeat(Broker broker) {
        try (Tail<WorkerHeartbeat> heartbeats = broker.tail(broker.topics().workers(), Topics.WORKER)) {
            return heartbeats.await("a heartbeat", h -> true);
        }
    }

    private static Grant grantOf(Broker broker, JobSubmitted job) {
        return Grant.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(1)
                .setSubmission(broker.submit(job))
                .build();
    }

    private static JobSubmitted longJob() {
        return JobSubmitted.newBuilder()
                .setJobId(JobId.create(System.currentTimeMillis(), new Random()).toString())
                .setPool(Broker.POOL)
                .setModel("tiny")
                .addAllPromptTokens(List.of(256, 72, 101))
                .setSampling(Sampling.newBuilder().setTopP(1).setMaxTokens(300).setMinTokens(300))
                .setReplyTo(ReplyAddress.newBuilder().setPartition(0).setNonce(1))
                .setStream(true)
                .build();
    }
}
