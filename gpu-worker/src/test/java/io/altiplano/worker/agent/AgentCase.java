package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.agent.Broker.Tail;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.ModelStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** An agent on a real broker, with a real model, and all that it sends. */
abstract class AgentCase {
    static final long NONCE = 77;
    private static @Nullable Broker sharedBroker;
    private static @Nullable ModelStore sharedModels;
    private static @Nullable Agent sharedAgent;

    final Random random = new Random();
    final Broker broker = Objects.requireNonNull(sharedBroker);
    final Agent agent = Objects.requireNonNull(sharedAgent);
    final Tail<AttemptRecord> attempts = broker.tail(broker.topics().attempts(), Topics.ATTEMPT);
    final Tail<ReplyRecord> replies = broker.tail(broker.topics().replies(), Topics.REPLY);
    final Tail<WorkerHeartbeat> heartbeats = broker.tail(broker.topics().workers(), Topics.WORKER);

    @BeforeAll
    static void open(@TempDir Path dir) throws Exception {
        TinyModels.write(dir.resolve("tiny"));
        Files.createDirectories(dir.resolve("broken"));
        Files.writeString(dir.resolve("broken/config.json"), "{}");
        Files.createDirectories(dir.resolve("corrupt"));
        Files.writeString(dir.resolve("corrupt/adapter_config.json"), "{}");
        sharedBroker = new Broker();
        sharedModels = new ModelStore(dir, TinyModels.options(), new EngineOptions(16, 512, 64));
        sharedAgent = agent(0, Duration.ofSeconds(20));
    }

    static Agent agent(int ordinal, Duration drain) {
        Broker broker = Objects.requireNonNull(sharedBroker);
        AgentSettings settings =
                new AgentSettings(Broker.POOL, ordinal, 16, Duration.ofSeconds(30), Duration.ofMillis(100), drain);
        return new Agent(
                settings,
                broker.as("worker"),
                broker.topics(),
                Objects.requireNonNull(sharedModels),
                Clock.systemUTC());
    }

    static ModelStore models() {
        return Objects.requireNonNull(sharedModels);
    }

    @BeforeEach
    void await_the_worker() {
        heartbeats.await("a heartbeat", h -> h.getOrdinal() == 0);
    }

    @AfterEach
    void closeTails() {
        attempts.close();
        replies.close();
        heartbeats.close();
    }

    @AfterAll
    static void close() {
        Objects.requireNonNull(sharedAgent).close();
        Objects.requireNonNull(sharedModels).close();
        Objects.requireNonNull(sharedBroker).close();
    }

    static void awaitIf(boolean wanted, CountDownLatch gate) {
        try {
            assertThat(!wanted || gate.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    void grant(JobSubmitted job, int epoch) {
        broker.grant(0, agent.bootId(), grantOf(job, epoch));
    }

    Grant grantOf(JobSubmitted job, int epoch) {
        return Grant.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(epoch)
                .setTermMs(30_000)
                .setSubmission(broker.submit(job))
                .build();
    }

    AttemptEnded ended(JobSubmitted job, int epoch) {
        return attempts.await(
                        "the end of attempt " + epoch,
                        a -> a.getEnded().getJobId().equals(job.getJobId())
                                && a.getEnded().getEpoch() == epoch)
                .getEnded();
    }

    long endings(JobSubmitted job) {
        return attempts.read().stream()
                .filter(a -> a.getEnded().getJobId().equals(job.getJobId()))
                .count();
    }

    /** All deltas of an attempt, up to its last. */
    List<ReplyDelta> deltas(JobSubmitted job, int epoch) {
        replies.await(
                "the last delta",
                r -> r.getDeltasList().stream()
                        .anyMatch(d -> d.getJobId().equals(job.getJobId()) && d.getEpoch() == epoch && d.getLast()));
        return replies.read().stream()
                .flatMap(r -> r.getDeltasList().stream())
                .filter(d -> d.getJobId().equals(job.getJobId()) && d.getEpoch() == epoch)
                .toList();
    }

    static List<Integer> tokens(List<ReplyDelta> deltas) {
        return deltas.stream()
                .flatMap(d -> d.getTokensList().stream())
                .map(TokenOut::getId)
                .toList();
    }

    static String text(List<ReplyDelta> deltas) {
        return deltas.stream().map(ReplyDelta::getText).reduce("", String::concat);
    }

    String newId() {
        return JobId.create(System.currentTimeMillis(), random).toString();
    }

    JobSubmitted.Builder job(int maxTokens) {
        return JobSubmitted.newBuilder()
                .setJobId(newId())
                .setPool(Broker.POOL)
                .setModel("tiny")
                .addAllPromptTokens(List.of(256, 72, 101, 108, 108, 111))
                .setSampling(Sampling.newBuilder()
                        .setTemperature(0.9f)
                        .setTopP(1)
                        .setSeed(5)
                        .setMaxTokens(maxTokens)
                        .setMinTokens(maxTokens))
                .setReplyTo(ReplyAddress.newBuilder().setPartition(2).setNonce(NONCE))
                .setStream(true);
    }
}
