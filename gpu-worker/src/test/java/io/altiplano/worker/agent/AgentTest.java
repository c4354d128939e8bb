package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.google.protobuf.ByteString;
import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.agent.Broker.Tail;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.ModelObserver;
import io.altiplano.worker.engine.ModelStore;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent on a real broker, with a real model. */
class AgentTest {
    private static final long NONCE = 77;
    private static @Nullable Broker sharedBroker;
    private static @Nullable ModelStore sharedModels;
    private static @Nullable Agent sharedAgent;

    private final Random random = new Random();
    private final Broker broker = Objects.requireNonNull(sharedBroker);
    private final Agent agent = Objects.requireNonNull(sharedAgent);
    private final Tail<AttemptRecord> attempts = broker.tail(broker.topics().attempts(), Topics.ATTEMPT);
    private final Tail<ReplyRecord> replies = broker.tail(broker.topics().replies(), Topics.REPLY);
    private final Tail<WorkerHeartbeat> heartbeats = broker.tail(broker.topics().workers(), Topics.WORKER);

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

    private static Agent agent(int ordinal, Duration drain) {
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

    @Test
    void a_granted_job_is_answered_token_by_token_and_its_end_reported() {
        JobSubmitted job = job(50).build();
        grant(job, 1);

        AttemptEnded ended = ended(job, 1);
        List<ReplyDelta> deltas = deltas(job, 1);

        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);
        assertThat(ended.getBootId()).isEqualTo(agent.bootId());
        assertThat(ended.getWorkerId()).isEqualTo("default-0");
        assertThat(deltas).hasSizeGreaterThan(1).allMatch(d -> d.getNonce() == NONCE && d.getTokensCount() == 1);
        assertThat(IntStream.range(0, deltas.size()).allMatch(i -> deltas.get(i).getIndex() == i))
                .isTrue();
        assertThat(deltas.getLast().getLast()).isTrue();
        assertThat(deltas.getLast().getUsage()).isEqualTo(ended.getUsage());
        assertThat(deltas.getLast().getFinishReason())
                .isEqualTo(ended.getFinishReason())
                .isEqualTo("length");
        assertThat(ended.getUsage().getPromptTokens()).isEqualTo(job.getPromptTokensCount());
        assertThat(ended.getUsage().getCompletionTokens())
                .isEqualTo(tokens(deltas).size())
                .isEqualTo(50);
        assertThat(attempts.read().stream()
                        .filter(AttemptRecord::hasStarted)
                        .map(a -> a.getStarted().getJobId()))
                .contains(job.getJobId());
    }

    @Test
    void an_answer_that_is_not_streamed_is_one_record_and_the_same() {
        JobSubmitted streamed = job(40).build();
        JobSubmitted whole =
                streamed.toBuilder().setJobId(newId()).setStream(false).build();
        grant(streamed, 1);
        grant(whole, 1);
        ended(streamed, 1);
        ended(whole, 1);

        List<ReplyDelta> one = deltas(whole, 1);

        assertThat(one).hasSize(1);
        assertThat(one.getFirst().getIndex()).isZero();
        assertThat(tokens(one)).isEqualTo(tokens(deltas(streamed, 1)));
        assertThat(text(one)).isEqualTo(text(deltas(streamed, 1)));
    }

    @Test
    void jobs_of_one_gateway_share_a_record_a_step() {
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        Objects.requireNonNull(sharedModels).observe(heldAfterAToken);
        List<JobSubmitted> jobs =
                Stream.generate(() -> job(300).build()).limit(4).toList();
        jobs.forEach(job -> grant(job, 1));
        jobs.forEach(job ->
                attempts.await("its start", a -> a.getStarted().getJobId().equals(job.getJobId())));

        gate.countDown();
        jobs.forEach(job -> deltas(job, 1));
        Objects.requireNonNull(sharedModels).forget(heldAfterAToken);

        assertThat(replies.read().stream().mapToInt(ReplyRecord::getDeltasCount).max())
                .hasValue(4);
    }

    @Test
    void grants_for_another_boot_and_repeated_grants_are_ignored() {
        JobSubmitted stale = job(5).build();
        JobSubmitted twice = job(5).build();
        JobSubmitted after = job(5).build();
        broker.grant(0, "another-boot", grantOf(stale, 1));
        Grant grant = grantOf(twice, 1);
        broker.grant(0, agent.bootId(), grant);
        broker.grant(0, agent.bootId(), grant);
        ended(twice, 1);
        grant(after, 1);
        ended(after, 1);

        assertThat(endings(stale)).isZero();
        assertThat(endings(twice)).isEqualTo(1);
    }

    @Test
    void a_record_that_cannot_be_taken_is_buried_with_its_place_and_skipped() {
        long garbage = broker.work(0, new byte[] {9, 2, 3});
        long empty = broker.work(0, new byte[0]);
        long bodiless = broker.work(
                0,
                Topics.WORK.encode(
                        WorkRecord.newBuilder().setBootId(agent.bootId()).build()));
        JobSubmitted job = job(3).build();
        grant(job, 1);
        assertThat(ended(job, 1).getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);

        try (Tail<DeadLetterRecord> letters = broker.tail(broker.topics().deadLetters("worker"), Topics.DEAD_LETTER)) {
            letters.await("the last letter", l -> l.getBuried().getOffset() == bodiless);
            assertThat(letters.read())
                    .extracting(DeadLetterRecord::getBuried)
                    .allMatch(l -> l.getTopic().equals(broker.topics().work(Broker.POOL)) && l.getPartition() == 0)
                    .extracting(DeadLetter::getOffset, DeadLetter::getReason)
                    .containsExactly(
                            tuple(garbage, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE),
                            tuple(empty, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE),
                            tuple(bodiless, DeadLetterReason.DEAD_LETTER_REASON_UNKNOWN_KIND));
            assertThat(letters.read().getFirst().getBuried().getMessage()).contains("codec version 9");
        }
    }

    @Test
    void a_cancelled_attempt_stops_before_the_next_step_with_its_counts_and_holds_nothing() {
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        Objects.requireNonNull(sharedModels).observe(heldAfterAToken);
        JobSubmitted job = job(400).build();
        grant(job, 1);
        replies.await(
                "a first token",
                r -> r.getDeltasList().stream().anyMatch(d -> d.getJobId().equals(job.getJobId())));

        broker.cancel(0, agent.bootId(), job.getJobId(), 1);
        // Work is taken in order: once this one is rejected, the cancellation has been read.
        assertRejected(job(5).setModel("unheard"), "model_not_found");
        gate.countDown();
        AttemptEnded ended = ended(job, 1);
        Objects.requireNonNull(sharedModels).forget(heldAfterAToken);

        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED);
        assertThat(ended.getUsage().getPromptTokens()).isEqualTo(job.getPromptTokensCount());
        assertThat(ended.getUsage().getCompletionTokens())
                .as("not one step more")
                .isEqualTo(1);
        heartbeats.await("all blocks free", h -> h.getRunningCount() == 0 && h.getFreeKvBlocks() == 512);
        assertThat(replies.read().stream().flatMap(r -> r.getDeltasList().stream()))
                .noneMatch(d -> d.getJobId().equals(job.getJobId()) && d.getLast());
    }

    @Test
    void a_second_attempt_goes_on_from_what_was_relayed() {
        JobSubmitted job = job(60).build();
        grant(job, 1);
        ended(job, 1);
        List<ReplyDelta> first = deltas(job, 1);
        List<ReplyDelta> relayed = first.subList(0, 23);
        LogPointer pointer = broker.relay(JobRelayed.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(2)
                .addAllRelayedTokens(tokens(relayed))
                .setRelayedTextLength(text(relayed).length())
                .build());

        broker.grant(
                0,
                agent.bootId(),
                grantOf(job, 2).toBuilder().setRelayed(pointer).build());
        AttemptEnded ended = ended(job, 2);
        List<ReplyDelta> second = deltas(job, 2);

        assertThat(second.getFirst().getIndex()).isEqualTo(23);
        assertThat(second.getFirst().getTextOffset()).isEqualTo(text(relayed).length());
        assertThat(tokens(second)).isEqualTo(tokens(first.subList(23, first.size())));
        assertThat(text(relayed) + text(second)).isEqualTo(text(first));
        assertThat(ended.getUsage().getCompletionTokens()).isEqualTo(60);
    }

    @Test
    void what_no_worker_can_run_is_rejected_by_code_and_the_worker_lives() {
        assertRejected(job(5).setModel("unheard"), "model_not_found");
        assertRejected(job(5).setModel("../tiny"), "model_not_found");
        assertRejected(job(5).setModel("broken"), "model_invalid");
        assertRejected(job(5).setAdapter("a"), "adapter_not_found");
        assertRejected(job(5).setAdapter("corrupt"), "adapter_invalid");
        assertRejected(job(TinyModels.CONTEXT), "context_length_exceeded");
        assertRejected(job(5).addPromptTokens(100_000), "invalid_tokens");
        assertRejected(job(0), "invalid_request");
        JobSubmitted good = job(3).build();
        grant(good, 1);
        assertThat(ended(good, 1).getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED);
    }

    @Test
    void a_pointer_that_leads_elsewhere_is_a_fault() {
        JobSubmitted job = job(3).build();
        Grant wrong = grantOf(job, 1).toBuilder()
                .setSubmission(broker.submit(job(3).build()))
                .build();
        broker.grant(0, agent.bootId(), wrong);
        AttemptEnded ended = ended(job, 1);
        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_FAULTED);
        assertThat(ended.getErrorCode()).isEqualTo("submission_unreadable");
    }

    @Test
    void log_probabilities_travel_with_the_tokens() {
        JobSubmitted.Builder asked = job(10);
        asked.getSamplingBuilder().setLogprobs(true).setTopLogprobs(3);
        JobSubmitted job = asked.build();
        grant(job, 1);
        ended(job, 1);
        assertThat(deltas(job, 1).stream().flatMap(d -> d.getTokensList().stream()))
                .hasSize(10)
                .allMatch(t -> t.getLogprob() < 0 && t.getTopCount() == 3);
    }

    @Test
    void a_new_boot_takes_no_grant_of_an_earlier_one_and_a_drained_one_gives_back_what_runs() throws Exception {
        JobSubmitted early = job(5).build();
        broker.grant(1, "earlier-boot", grantOf(early, 1));
        Agent second = agent(1, Duration.ZERO);
        WorkerHeartbeat heartbeat = heartbeats.await("its heartbeat", h -> h.getOrdinal() == 1);
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        Objects.requireNonNull(sharedModels).observe(heldAfterAToken);
        JobSubmitted job = job(400).build();
        broker.grant(1, heartbeat.getBootId(), grantOf(job, 1));
        heartbeats.await(
                "the attempt in a heartbeat",
                h -> h.getRunningList().stream()
                        .anyMatch(r -> r.getJobId().equals(job.getJobId()) && r.getGeneratedTokens() > 0));

        Thread closing = Thread.ofVirtual().start(second::close);
        heartbeats.await("word of the drain", h -> h.getOrdinal() == 1 && h.getDraining());
        gate.countDown();
        closing.join();
        Objects.requireNonNull(sharedModels).forget(heldAfterAToken);

        AttemptEnded ended = ended(job, 1);
        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_FAULTED);
        assertThat(ended.getErrorCode()).isEqualTo("draining");
        assertThat(endings(early)).isZero();
        assertThat(second.isReady()).isFalse();
    }

    @Test
    void heartbeats_tell_what_is_cached_by_the_submissions_own_hashes_and_who_waits() {
        ByteString hash = ByteString.copyFrom(
                ByteBuffer.allocate(16).putLong(random.nextLong()).putLong(1).array());
        JobSubmitted job = job(3).clearPromptTokens()
                .addAllPromptTokens(Collections.nCopies(20, 65))
                .addPrefixHashes(hash)
                .build();
        grant(job, 1);
        ended(job, 1);

        WorkerHeartbeat beat = heartbeats.await(
                "a heartbeat that lists the cached block",
                h -> h.getPrefixDigestList()
                        .contains(hash.asReadOnlyByteBuffer().getLong()));

        assertThat(beat.getTensorParallel()).isEqualTo(1);
        assertThat(beat.getQueued()).isZero();
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver held = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        Objects.requireNonNull(sharedModels).observe(held);
        JobSubmitted running = job(200).build();
        JobSubmitted waiting = job(3).build();
        grant(running, 1);
        replies.await(
                "a first token",
                r -> r.getDeltasList().stream().anyMatch(d -> d.getJobId().equals(running.getJobId())));
        grant(waiting, 1);
        heartbeats.await("one that runs and one that waits", h -> h.getRunningCount() == 2 && h.getQueued() == 1);
        gate.countDown();
        ended(running, 1);
        Objects.requireNonNull(sharedModels).forget(held);
        ended(waiting, 1);
    }

    private static void awaitIf(boolean wanted, CountDownLatch gate) {
        try {
            assertThat(!wanted || gate.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_worker_that_loads_is_at_the_broker_but_sends_no_heartbeat_and_can_be_closed() throws Exception {
        // given
        AgentSettings settings = new AgentSettings(
                Broker.POOL, 1, 16, Duration.ofSeconds(30), Duration.ofMillis(100), Duration.ofSeconds(1));
        CompletableFuture<Void> loaded = new CompletableFuture<>();
        try (Agent loading = loading(settings, loaded)) {
            until(() -> !loading.bootId().isEmpty());
            Thread.sleep(1_000);

            // when
            boolean early = loading.isReady();
            long at = System.currentTimeMillis();
            loaded.complete(null);

            // then
            String boot = loading.bootId();
            WorkerHeartbeat first =
                    heartbeats.await("its first heartbeat", h -> h.getBootId().equals(boot));
            assertThat(early).isFalse();
            assertThat(first.getSequence()).isOne();
            assertThat(first.getAtMs()).isGreaterThanOrEqualTo(at);
            until(loading::isReady);
        }

        // and one that is closed while it loads ends at once
        Agent closed = loading(settings, new CompletableFuture<>());
        until(() -> !closed.bootId().isEmpty());
        closed.close();
        assertThat(closed.isAlive()).isFalse();
    }

    private static void until(BooleanSupplier holds) throws InterruptedException {
        long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime() - limit).as("30 s").isNegative();
            Thread.sleep(10);
        }
    }

    private Agent loading(AgentSettings settings, CompletableFuture<Void> loaded) {
        return new Agent(
                settings,
                broker.as("worker"),
                broker.topics(),
                Objects.requireNonNull(sharedModels),
                loaded,
                Clock.systemUTC());
    }

    @Test
    void heartbeats_tell_capacity_blocks_models_and_numerics() {
        JobSubmitted job = job(3).build();
        grant(job, 1);
        ended(job, 1);
        WorkerHeartbeat idle = heartbeats.await(
                "an idle heartbeat with the model loaded",
                h -> h.getTotalKvBlocks() == 512 && h.getFreeKvBlocks() == 512 && h.getRunningCount() == 0);
        assertThat(idle.getWorkerId()).isEqualTo("default-0");
        assertThat(idle.getCapacity()).isEqualTo(16);
        assertThat(idle.getModelsList()).containsExactly("broken", "tiny");
        assertThat(idle.getNumericsFingerprint()).startsWith("tiny=");
        assertThat(agent.isReady()).isTrue();
    }

    private void assertRejected(JobSubmitted.Builder builder, String code) {
        JobSubmitted job = builder.build();
        grant(job, 1);
        AttemptEnded ended = ended(job, 1);
        assertThat(ended.getOutcome()).isEqualTo(AttemptOutcome.ATTEMPT_OUTCOME_REJECTED);
        assertThat(ended.getErrorCode()).isEqualTo(code);
        assertThat(ended.getUsage().getPromptTokens()).isZero();
    }

    private void grant(JobSubmitted job, int epoch) {
        broker.grant(0, agent.bootId(), grantOf(job, epoch));
    }

    private Grant grantOf(JobSubmitted job, int epoch) {
        return Grant.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(epoch)
                .setTermMs(30_000)
                .setSubmission(broker.submit(job))
                .build();
    }

    private AttemptEnded ended(JobSubmitted job, int epoch) {
        return attempts.await(
                        "the end of attempt " + epoch,
                        a -> a.getEnded().getJobId().equals(job.getJobId())
                                && a.getEnded().getEpoch() == epoch)
                .getEnded();
    }

    private long endings(JobSubmitted job) {
        return attempts.read().stream()
                .filter(a -> a.getEnded().getJobId().equals(job.getJobId()))
                .count();
    }

    /** All deltas of an attempt, up to its last. */
    private List<ReplyDelta> deltas(JobSubmitted job, int epoch) {
        replies.await(
                "the last delta",
                r -> r.getDeltasList().stream()
                        .anyMatch(d -> d.getJobId().equals(job.getJobId()) && d.getEpoch() == epoch && d.getLast()));
        return replies.read().stream()
                .flatMap(r -> r.getDeltasList().stream())
                .filter(d -> d.getJobId().equals(job.getJobId()) && d.getEpoch() == epoch)
                .toList();
    }

    private static List<Integer> tokens(List<ReplyDelta> deltas) {
        return deltas.stream()
                .flatMap(d -> d.getTokensList().stream())
                .map(TokenOut::getId)
                .toList();
    }

    private static String text(List<ReplyDelta> deltas) {
        return deltas.stream().map(ReplyDelta::getText).reduce("", String::concat);
    }

    private String newId() {
        return JobId.create(System.currentTimeMillis(), random).toString();
    }

    private JobSubmitted.Builder job(int maxTokens) {
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
