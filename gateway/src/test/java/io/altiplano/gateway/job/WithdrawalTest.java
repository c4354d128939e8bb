package io.altiplano.gateway.job;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Listener;
import io.altiplano.gateway.licence.LicenceGate;
import io.altiplano.gateway.licence.LicenceVerdict;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What becomes of work whose right ends: at once, whoever is paused, dead or deaf. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class WithdrawalTest {
    private static final String PATH = "/v1/chat/completions";
    private static final Duration SECOND = Duration.ofSeconds(1);

    @Inject
    JobService jobs;

    @Inject
    Submissions submissions;

    @Inject
    ReplyLease lease;

    @Inject
    GatewayWatch living;

    @Inject
    JobSettings settings;

    @Inject
    JobMetrics metrics;

    @Inject
    LicenceGate gate;

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

    private static void suspend(String id) {
        as("officer-a")
                .body(Map.of("reason", "a test"))
                .post("/admin/v1/tenants/" + id + "/suspend")
                .then()
                .statusCode(200);
    }

    /** As two officers would give it back; past the API, which this is not about. */
    private static void reinstate(String id) throws SQLException {
        sql("SET session_replication_role = replica; UPDATE tenant SET tier = 'PARTNER' WHERE id = '" + id
                + "'; UPDATE licence_epoch SET epoch = epoch + 1");
    }

    private static void sql(String statements) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement()) {
            s.execute(statements);
        }
    }

    private static long number(String query) {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement();
                ResultSet rs = s.executeQuery(query)) {
            assertThat(rs.next()).isTrue();
            return rs.getLong(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private CompletableFuture<Response> whole() {
        return CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(Served.chat(false))
                .post(PATH));
    }

    private static Caller caller(String id) {
        return new Caller(id, "default", "key_test", Tier.PARTNER, Role.DEVELOPER, "00".repeat(32));
    }

    private LicenceVerdict check(String id) {
        return gate.check(caller(id), Served.MODEL, "llama-3.1", Use.INFER);
    }

    private LicenceVerdict.Permitted permit(String id) {
        return (LicenceVerdict.Permitted) check(id);
    }

    private static void await(BooleanSupplier wanted, Duration patience) {
        long begin = System.nanoTime();
        while (!wanted.getAsBoolean()) {
            assertThat(System.nanoTime() - begin).isLessThan(patience.toNanos());
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private static JobSubmitted.Builder job(String id) {
        return JobSubmitted.newBuilder()
                .setTenantId(id)
                .setModel(Served.MODEL)
                .setPool("default")
                .addPromptTokens(1);
    }

    /** The next event, after the comments that keep a silent stream open. */
    private static String data(Sse stream) {
        String line = stream.next();
        while (line != null && line.startsWith(":")) {
            line = stream.next();
        }
        return String.valueOf(line);
    }

    @Test
    void queuedAndRunningJobsOfTheRightEndWithinASecondAndNoOtherTenants() throws Exception {
        Served.Tenant other = Served.Tenant.create("partner");
        try (Sse running = Sse.post(PATH, tenant.key(), Served.chat(true));
                Sse untouched = Sse.post(PATH, other.key(), Served.chat(true))) {
            running.nextJson();
            JobSubmitted begun = peer.awaitJob(tenant.id());
            peer.reply(begun, KafkaPeer.delta(begun, 0, "begun"));
            running.nextJson();
            untouched.nextJson();
            JobSubmitted others = peer.awaitJob(other.id());
            CompletableFuture<Response> queued = whole();
            JobSubmitted waiting = peer.awaitJob(tenant.id());

            suspend(tenant.id());
            long ended = System.nanoTime();

            var error = running.nextJson();
            assertThat(System.nanoTime() - ended).isLessThan(SECOND.toNanos());
            assertThat(error.at("/error/code").asText()).isEqualTo("right_withdrawn");
            assertThat(error.at("/error/message").asText())
                    .contains("suspended")
                    .contains("Decision: ");
            Response refused = queued.get(20, TimeUnit.SECONDS);
            assertThat(System.nanoTime() - ended).isLessThan(SECOND.toNanos());
            assertThat(refused.statusCode()).isEqualTo(403);
            assertThat(refused.<String>path("error.code")).isEqualTo("right_withdrawn");
            assertThat(peer.awaitCancelled(begun).getRelayedTokens()).isEqualTo(5);
            assertThat(peer.awaitCancelled(waiting).getRelayedTokens()).isZero();
            List<RightWithdrawn> told = peer.awaitWithdrawn(tenant.id(), 0);
            assertThat(told).allSatisfy(w -> {
                assertThat(w.getModel()).isEqualTo(Served.MODEL);
                assertThat(w.getLicenceEpoch())
                        .isGreaterThan(begun.getLicenceEpoch())
                        .isGreaterThan(waiting.getLicenceEpoch());
            });
            peer.answer(others, "still here");
            assertThat(untouched.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("still here");
            assertThat(peer.sawWithdrawnOf(other.id())).isFalse();
        }
    }

    @Test
    void withTheListeningConnectionKilledItIsStillWithinASecond() throws Exception {
        String listening = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = '"
                + Listener.APPLICATION_NAME + "'";
        try (Sse running = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            running.nextJson();
            await(() -> number("SELECT count(*) " + listening) > 0, Duration.ofSeconds(10));

            assertThat(number("SELECT count(pg_terminate_backend(pid, 1000)) " + listening))
                    .isPositive();
            suspend(tenant.id());
            long ended = System.nanoTime();
            long stillListening = number("SELECT count(*) " + listening);

            assertThat(running.nextJson().at("/error/code").asText()).isEqualTo("right_withdrawn");
            assertThat(System.nanoTime() - ended).isLessThan(SECOND.toNanos());
            assertThat(stillListening).isZero();
        }
    }

    @Test
    void whatAGatewayPausedBetweenDecisionAndPublishSendsIsBelowAWithdrawalThatEveryPartitionHoldsBefore() {
        JobService paused = new JobService(submissions, lease, living, settings, metrics, Clock.systemUTC());
        LicenceVerdict.Permitted permit = permit(tenant.id());
        AtomicBoolean slept = new AtomicBoolean();

        paused.submit(job(tenant.id()), () -> {
            if (slept.compareAndSet(false, true)) {
                suspend(tenant.id());
                peer.awaitWithdrawn(tenant.id(), 0);
            }
            return permit.licenceEpoch();
        });

        JobSubmitted late = peer.awaitJob(tenant.id());
        // The scheduler refuses what is below it: CancellationTest.laterSubmissionsWithAnOlderLicenceEpochAreRefused.
        assertThat(peer.awaitWithdrawn(tenant.id(), 0))
                .allSatisfy(w -> assertThat(w.getLicenceEpoch()).isGreaterThan(late.getLicenceEpoch()));
    }

    @Test
    void aPausedGatewayThatKnowsOfTheWithdrawalSendsNothing() {
        LicenceVerdict.Permitted permit = permit(tenant.id());

        assertThatThrownBy(() -> jobs.submit(job(tenant.id()), () -> {
                    suspend(tenant.id());
                    peer.awaitWithdrawn(tenant.id(), 0);
                    return permit.licenceEpoch();
                }))
                .isInstanceOfSatisfying(ApiException.class, e -> {
                    assertThat(e.error().status()).isEqualTo(403);
                    assertThat(e.error().code()).isEqualTo("right_withdrawn");
                });

        // Control: the same job under another tenant's right is sent.
        Served.Tenant other = Served.Tenant.create("partner");
        LicenceVerdict.Permitted others = permit(other.id());
        jobs.submit(job(other.id()), others::licenceEpoch).cancel("test");
        peer.awaitJob(other.id());
        assertThat(peer.countOfTenant(tenant.id())).isZero();
    }

    @Test
    void aRightThatEndsWhileTheJobIsAcknowledgedCallsTheJobBack() {
        LicenceVerdict.Permitted permit = permit(tenant.id());
        AtomicBoolean sent = new AtomicBoolean();

        assertThatThrownBy(() -> jobs.submit(job(tenant.id()), () -> {
                    if (sent.compareAndSet(false, true)) {
                        return permit.licenceEpoch();
                    }
                    throw new ApiException(io.altiplano.gateway.web.ApiError.forbidden("made_up", "ended meanwhile"));
                }))
                .isInstanceOf(ApiException.class);

        JobSubmitted called = peer.awaitJob(tenant.id());
        assertThat(peer.awaitCancelled(called).getReason()).isEqualTo("right_withdrawn");
    }

    @Test
    void aPermitWhoseConfirmationIsOverIsAskedForAgain() {
        LicenceVerdict.Permitted permit = permit(tenant.id());
        assertThat(gate.confirm(permit, caller(tenant.id()), Served.MODEL, "llama-3.1", Use.INFER))
                .isSameAs(permit);
        suspend(tenant.id());
        await(() -> check(tenant.id()) instanceof LicenceVerdict.Refused, SECOND);
        LicenceVerdict.Permitted old = new LicenceVerdict.Permitted(
                permit.decisionId(), permit.licenceEpoch(), System.nanoTime() - SECOND.toNanos());

        LicenceVerdict again = gate.confirm(old, caller(tenant.id()), Served.MODEL, "llama-3.1", Use.INFER);

        assertThat(again).isInstanceOf(LicenceVerdict.Refused.class);
    }

    @Test
    void whatADeadGatewayLeftUnpublishedAnotherPublishes() throws SQLException {
        String row = "INSERT INTO right_withdrawal (tenant_id, model, licence, use, epoch, decision_id, code, message,"
                + " decided_at, published_at) VALUES ('%s', 'other', 'llama-3.1', 'INFER', 77, gen_random_uuid(), 'c', 'm',"
                + " now() - interval '1 hour', %s)";
        Served.Tenant told = Served.Tenant.create("partner");

        sql(row.formatted(told.id(), "now()") + ";" + row.formatted(tenant.id(), "NULL"));

        assertThat(peer.awaitWithdrawn(tenant.id(), 77))
                .allSatisfy(w -> assertThat(w.getModel()).isEqualTo("other"));
        assertThat(peer.sawWithdrawnOf(told.id())).isFalse();
    }

    @Test
    void aPermitThatWasCommittedAfterTheOthersHadLookedIsWithdrawnToo() throws SQLException {
        suspend(tenant.id());
        await(() -> check(tenant.id()) instanceof LicenceVerdict.Refused, SECOND);
        assertThat(number("SELECT count(*) FROM right_withdrawal WHERE tenant_id = '" + tenant.id() + "'"))
                .isZero();

        sql("INSERT INTO licence_standing (tenant_id, model, licence, use, epoch) VALUES ('" + tenant.id() + "', '"
                + Served.MODEL + "', 'llama-3.1', 'INFER', 1)");

        assertThat(peer.awaitWithdrawn(tenant.id(), 2)).isNotEmpty();
    }

    @Test
    void aRightThatIsGivenBackIsAboveItsWithdrawalAndCanEndAgain() throws SQLException {
        permit(tenant.id());
        suspend(tenant.id());
        long first = peer.awaitWithdrawn(tenant.id(), 0).getFirst().getLicenceEpoch();
        await(() -> check(tenant.id()) instanceof LicenceVerdict.Refused, SECOND);

        reinstate(tenant.id());
        await(() -> check(tenant.id()) instanceof LicenceVerdict.Permitted, SECOND);
        long again = permit(tenant.id()).licenceEpoch();
        suspend(tenant.id());
        long second = peer.awaitWithdrawn(tenant.id(), first + 1).getFirst().getLicenceEpoch();

        assertThat(again).isGreaterThanOrEqualTo(first);
        assertThat(second).isGreaterThan(again);
    }

    @Test
    void aRightThatEndsDoesNotWaitForThoseThatDoNot() throws Exception {
        Served.Tenant crowd = Served.Tenant.create("partner");
        try (Sse running = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            running.nextJson();
            peer.awaitJob(tenant.id());
            // Asked for later than the tenant's, so that they would come first.
            sql("UPDATE licence_standing SET asked_at = now() - interval '2 minutes' WHERE tenant_id = '" + tenant.id()
                    + "'; INSERT INTO licence_standing (tenant_id, model, licence, use, epoch, asked_at) SELECT '"
                    + crowd.id()
                    + "', 'llama-' || i, 'llama-3.1', 'INFER', (SELECT epoch FROM licence_epoch), now() - interval '1 minute'"
                    + " FROM generate_series(1, 5000) i");

            suspend(tenant.id());
            long ended = System.nanoTime();

            assertThat(running.nextJson().at("/error/code").asText()).isEqualTo("right_withdrawn");
            assertThat(System.nanoTime() - ended).isLessThan(SECOND.toNanos());
        } finally {
            sql("DELETE FROM licence_standing WHERE tenant_id = '" + crowd.id() + "'");
        }
    }

    @Test
    void whenTimeAloneEndsARightItsWorkEndsThoughNoFactHasChanged() throws Exception {
        Served.Tenant trial = Served.Tenant.create("evaluation");
        // Its accepted figure took it out of the tier.
        sql("SET session_replication_role = replica; UPDATE tenant SET tier = 'EVALUATION' WHERE id = '" + trial.id()
                + "'; UPDATE licence_epoch SET epoch = epoch + 1");
        String plan =
                "INSERT INTO tier_plan SELECT tier, now() + interval '%d seconds', %s, models, requests_per_minute,"
                        + " tokens_per_minute, concurrent, tokens_per_month, max_tokens, default_max_tokens, weight, batch,"
                        + " fine_tune, 'test' FROM tier_plan WHERE tier = 'EVALUATION' AND effective_from = '2024-01-01Z';";
        sql("BEGIN; SELECT set_config('app.audited', 'yes', true);" + plan.formatted(4, "'{}'::text[]")
                + plan.formatted(15, "uses") + "COMMIT");
        try (Sse trying = Sse.post(PATH, trial.key(), Served.chat(true));
                Sse going = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            trying.nextJson();
            JobSubmitted job = peer.awaitJob(trial.id());
            going.nextJson();
            JobSubmitted others = peer.awaitJob(tenant.id());
            long epoch = number("SELECT epoch FROM licence_epoch");

            assertThat(data(trying)).contains("right_withdrawn").contains("Platform policy");
            assertThat(number("SELECT extract(epoch FROM clock_timestamp() - max(effective_from)) * 1000 FROM tier_plan"
                            + " WHERE tier = 'EVALUATION' AND effective_from <= clock_timestamp()"))
                    .isLessThan(1000);
            assertThat(peer.awaitWithdrawn(trial.id(), 0))
                    .allSatisfy(w -> assertThat(w.getLicenceEpoch())
                            .isGreaterThan(job.getLicenceEpoch())
                            .isGreaterThan(epoch));
            peer.answer(others, "on and on");
            assertThat(data(going)).contains("on and on");
        }
    }
}
