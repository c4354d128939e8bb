package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.worker.engine.ModelObserver;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** An agent's life: it loads, boots, tells what it has, drains and ends; on a real broker and with a real model. */
class AgentLifeTest extends AgentCase {
    @Test
    void a_new_boot_takes_no_grant_of_an_earlier_one_and_a_drained_one_gives_back_what_runs() throws Exception {
        JobSubmitted early = job(5).build();
        broker.grant(1, "earlier-boot", grantOf(early, 1));
        Agent second = agent(1, Duration.ZERO);
        WorkerHeartbeat heartbeat = heartbeats.await("its heartbeat", h -> h.getOrdinal() == 1);
        CountDownLatch gate = new CountDownLatch(1);
        ModelObserver heldAfterAToken = (model, report) -> awaitIf(report.generatedTokens() > 0, gate);
        models().observe(heldAfterAToken);
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
        models().forget(heldAfterAToken);

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
        models().observe(held);
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
        models().forget(held);
        ended(waiting, 1);
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
        return new Agent(settings, broker.as("worker"), broker.topics(), models(), loaded, Clock.systemUTC());
    }
}
