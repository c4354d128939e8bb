package io.altiplano.gateway.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.Draining;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Leases, outages and shutdown: what a job's stream lives through. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class JobLifeTest {
    private static final String PATH = "/v1/chat/completions";
    private static final Duration TERM = Duration.ofSeconds(30);

    @Inject
    JobService jobs;

    @Inject
    Submissions submissions;

    @Inject
    IdempotentRuns idempotent;

    @Inject
    ReplyLease lease;

    @Inject
    GatewayWatch living;

    @Inject
    ReplyLeaseStore leases;

    @Inject
    JobSettings settings;

    @Inject
    JobMetrics metrics;

    @Inject
    TopicSettings topics;

    private KafkaPeer peer;
    private Served.Tenant tenant;

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        tenant = Served.Tenant.create("partner");
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    /** The platform's settings with two of them short. */
    private record Hasty(JobSettings given, Duration submitTimeout, Duration drain) implements JobSettings {
        @Override
        public Duration replyLeaseTerm() {
            return given.replyLeaseTerm();
        }

        @Override
        public Duration gatewaySilence() {
            return given.gatewaySilence();
        }

        @Override
        public Duration farewell() {
            return Duration.ZERO;
        }

        @Override
        public Duration longest() {
            return given.longest();
        }

        @Override
        public int unreadTokens() {
            return given.unreadTokens();
        }

        @Override
        public Duration remembered() {
            return given.remembered();
        }

        @Override
        public Duration idempotentTerm() {
            return given.idempotentTerm();
        }
    }

    private static void sql(String statement) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement()) {
            s.execute(statement);
        }
    }

    @Test
    void everyClaimHasAPartitionOfItsOwnUntilNoneIsLeft() {
        Set<Integer> claimed = new HashSet<>();
        UUID holder = UUID.randomUUID();
        Set<ReplyAddress> mine = new HashSet<>();

        for (Optional<ReplyAddress> next = leases.claim(holder, TERM, 16);
                next.isPresent();
                next = leases.claim(holder, TERM, 16)) {
            assertThat(claimed.add(next.get().getPartition())).isTrue();
            mine.add(next.get());
        }

        assertThat(claimed)
                .hasSizeBetween(1, 15)
                .doesNotContain(lease.current().orElseThrow().getPartition());
        mine.forEach(address -> leases.release(address, holder));
    }

    @Test
    void aClaimThatRanOutIsTakenWithANewNonceAndCannotBeRenewed() throws SQLException {
        UUID first = UUID.randomUUID();
        ReplyAddress old = leases.claim(first, TERM, 16).orElseThrow();
        assertThat(leases.renew(old, first, TERM)).isTrue();
        sql("UPDATE reply_lease SET expires_at = '-infinity' WHERE partition = " + old.getPartition());

        UUID second = UUID.randomUUID();
        ReplyAddress taken = leases.claim(second, TERM, 16).orElseThrow();

        assertThat(taken.getPartition()).isEqualTo(old.getPartition());
        assertThat(taken.getNonce()).isGreaterThan(old.getNonce());
        assertThat(leases.renew(old, first, TERM)).isFalse();
        leases.release(taken, second);
    }

    @Test
    void aLostClaimIsReplacedAndOpenStreamsGoOn() throws Exception {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();
            long nonce = job.getReplyTo().getNonce();
            int partition = job.getReplyTo().getPartition();

            sql("UPDATE reply_lease SET nonce = nonce + 1, holder = '" + UUID.randomUUID()
                    + "', expires_at = now() + interval '1 hour' WHERE partition = " + partition);
            awaitOtherClaim(job.getReplyTo());
            peer.answer(job, "still here");

            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("still here");
            CompletableFuture<String> next =
                    CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                            .contentType("application/json")
                            .body(Served.chat(false))
                            .post(PATH)
                            .path("choices[0].message.content"));
            JobSubmitted after = peer.awaitJob(tenant.id());
            peer.answer(after, "and there");
            assertThat(next.get(20, TimeUnit.SECONDS)).isEqualTo("and there");
            assertThat(after.getReplyTo()).isNotEqualTo(job.getReplyTo());
            assertThat(nonce).isPositive();
        }
    }

    /** The keeper renews each second; it then sees that the claim is lost. */
    private void awaitOtherClaim(ReplyAddress old) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (lease.current().map(old::equals).orElse(true)) {
            assertThat(System.nanoTime()).as("no other partition was claimed").isLessThan(end);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
    }

    @Test
    void withKafkaAwayNothingIsAcceptedAndTheClientIsToldToComeBack() {
        JobSettings hasty = new Hasty(settings, Duration.ofMillis(500), settings.drain());
        Submissions unreachable = new Submissions(nowhere(), topics, hasty);
        JobService cutOff = new JobService(unreachable, lease, living, hasty, metrics, Clock.systemUTC());

        assertThatThrownBy(() -> cutOff.submit(
                        JobSubmitted.newBuilder().setPool("default").addPromptTokens(1), () -> 1))
                .isInstanceOfSatisfying(ApiException.class, e -> {
                    assertThat(e.error().status()).isEqualTo(503);
                    assertThat(e.error().code()).isEqualTo("queue_unavailable");
                    assertThat(e.error().headers()).containsKey("retry-after");
                });
        assertThat(cutOff.openStreams()).isZero();
        unreachable.close(new ShutdownEvent());
    }

    @Test
    void aJobThatWasSentButNotAcceptedIsCalledBackAgainWhenTheSchedulerAsksForIt() {
        // given
        AtomicInteger asked = new AtomicInteger();
        JobSubmitted.Builder sent = JobSubmitted.newBuilder()
                .setPool("default")
                .setTenantId(tenant.id())
                .setModel("llama-3.1-starter")
                .addPromptTokens(1);
        assertThatThrownBy(() -> jobs.submit(sent, () -> {
                    if (asked.getAndIncrement() > 0) {
                        throw new ApiException(ApiError.forbidden("right_withdrawn", "ended meanwhile"));
                    }
                    return 1;
                }))
                .isInstanceOf(ApiException.class);
        JobSubmitted job = peer.awaitJob(tenant.id());
        assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("right_withdrawn");

        // when: its worker was lost, and the first word with it
        peer.retrying(job, 2);

        // then
        assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("nobody waits for it");
    }

    /** A port on which nobody listens. */
    private static KafkaSettings nowhere() {
        return new KafkaSettings() {
            @Override
            public String bootstrap() {
                return "127.0.0.1:1";
            }

            @Override
            public String security() {
                return "PLAINTEXT";
            }

            @Override
            public String mechanism() {
                return "PLAIN";
            }

            @Override
            public String username() {
                return "nobody";
            }

            @Override
            public Optional<String> password() {
                return Optional.empty();
            }
        };
    }

    @Test
    void aClockThatJumpsAheadEndsNoAnswer() {
        // given
        AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);
        InstantSource jumping = () -> Instant.now().plus(ahead.get());
        JobService disturbed =
                new JobService(submissions, lease, living, settings, metrics, jumping.withZone(ZoneOffset.UTC));
        JobStream stream = disturbed.open(
                JobSubmitted.newBuilder()
                        .setPool("default")
                        .setTenantId(tenant.id())
                        .setModel("a-model"),
                () -> 1);

        // when
        ahead.set(settings.longest().multipliedBy(4));
        disturbed.sweep();

        // then
        assertThat(stream.ended()).isFalse();
        disturbed.failAll();
        assertThat(stream.ended()).isTrue();
    }

    @Test
    void stoppingWaitsForStreamsAndEndsWithAnErrorThoseThatTakeTooLong() throws Exception {
        Draining draining = new Draining();
        Drain drain = new Drain(
                draining, jobs, idempotent, new Hasty(settings, settings.submitTimeout(), Duration.ofMillis(300)));
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();
            peer.reply(job, KafkaPeer.delta(job, 0, "begun"));
            stream.nextJson();

            draining.enter();
            Thread stopping = Thread.ofVirtual().start(() -> {
                try {
                    drain.stop(new ShutdownDelayInitiatedEvent());
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });

            assertThat(stream.nextJson().at("/error/code").asText()).isEqualTo("shutting_down");
            assertThat(stream.rest()).isEmpty();
            var cancelled = peer.awaitCancelled(job);
            assertThat(cancelled.getReason()).isEqualTo("gateway_stopped");
            assertThat(cancelled.getRelayedTokens()).isEqualTo(5);
            draining.leave();
            stopping.join();
            assertThat(draining.started()).isTrue();
        }
    }

    @Test
    void whatWasLetInWithAKeyThatIsRevokedOnItsWayIsNotSent() {
        JobSubmitted.Builder job = JobSubmitted.newBuilder()
                .setTenantId(tenant.id())
                .setModel(Served.MODEL)
                .setPool("default")
                .addPromptTokens(1);
        jobs.endKey("key_revoked");
        long before = jobs.openStreams();

        assertThatThrownBy(() -> jobs.submit(job.clone().setApiKeyId("key_revoked"), () -> 1))
                .isInstanceOfSatisfying(ApiException.class, e -> {
                    assertThat(e.error().status()).isEqualTo(401);
                    assertThat(e.error().code()).isEqualTo("api_key_revoked");
                });

        assertThat(peer.countOfTenant(tenant.id())).isZero();
        assertThat(jobs.openStreams()).isLessThanOrEqualTo(before);
        // Control: another key's is sent.
        jobs.submit(job.clone().setApiKeyId("key_good"), () -> 1).cancel("test");
        assertThat(peer.awaitJob(tenant.id()).getApiKeyId()).isEqualTo("key_good");
    }

    @Test
    void whenIdleNoStreamIsLeftOver() throws Exception {
        CompletableFuture<Integer> asked =
                CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                        .contentType("application/json")
                        .body(Served.chat(false))
                        .post(PATH)
                        .statusCode());
        peer.answer(peer.awaitJob(tenant.id()), "x");
        assertThat(asked.get(20, TimeUnit.SECONDS)).isEqualTo(200);

        assertThat(jobs.openStreams()).isZero();
        String metricsPage = given().get("/q/metrics").asString();
        assertThat(metricsPage)
                .contains("altiplano_time_to_first_token_seconds")
                .contains("altiplano_streams_open 0.0")
                .contains("altiplano_jobs_ended_total{outcome=\"succeeded\"}");
        given().get("/q/health/ready").then().statusCode(200);
    }

    @Test
    void theIndexPageSaysWhereThingsAre() {
        for (String path : Set.of("/", "/console")) {
            given().get(path)
                    .then()
                    .statusCode(200)
                    .contentType("text/html; charset=utf-8")
                    .header("content-security-policy", org.hamcrest.Matchers.containsString("default-src 'none'"))
                    .body(org.hamcrest.Matchers.containsString("/v1/chat/completions"));
        }
    }
}
