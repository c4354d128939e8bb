package io.altiplano.gateway.policy;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.access.KeyHasher;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.datasketches.hll.HllSketch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class EndUsersTest {
    private static final String LABEL = "Platform policy (not the licence): ";
    private static final String REVIEWS = "/admin/v1/policy-reviews";

    @Inject
    Db db;

    @Inject
    KeyHasher hasher;

    @Inject
    EndUsers served;

    @Inject
    EndUserReviews reviews;

    private EndUsers replica(Clock clock) {
        return new EndUsers(db, clock, hasher);
    }

    private EndUsers replica() {
        return replica(Clock.systemUTC());
    }

    @Test
    void aRequestsEndUserIsCountedOnceAndOnlyWhenItIsNamed() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");
        try (KafkaPeer peer = new KafkaPeer()) {
            chat(peer, tenant, Map.of("user", "ana"));
            chat(peer, tenant, Map.of("user", "ana"));
            chat(peer, tenant, Map.of());
            chat(peer, tenant, Map.of("user", ""));
            chat(peer, tenant, Map.of("safety_identifier", "bo", "user", "ana"));
        }

        served.flush();

        as("auditor")
                .get("/admin/v1/tenants/" + tenant.id() + "/end-users")
                .then()
                .statusCode(200)
                .body("data.estimate", contains(2))
                .body("data.month", contains(YearMonth.now(ZoneOffset.UTC).toString()));
    }

    @Test
    void replicasAddToOneEstimateAndAgainAddsNothing() {
        String tenant = newTenant("merged", "community");
        EndUsers one = replica();
        EndUsers other = replica();
        see(one, tenant, 0, 3000);
        see(other, tenant, 2000, 5000);

        one.flush();
        other.flush();
        byte[] merged = sketch(tenant);
        see(one, tenant, 1000, 4000);
        one.flush();

        EndUserEstimate estimate = reviews.of(tenant).getFirst();
        assertThat(estimate.estimate()).isBetween(4700L, 5300L);
        assertThat(estimate.lowerBound()).isBetween(4500L, estimate.estimate());
        assertThat(estimate.upperBound()).isBetween(estimate.estimate(), 5500L);
        assertThat(HllSketch.heapify(sketch(tenant)).getEstimate())
                .isEqualTo(HllSketch.heapify(merged).getEstimate());
        assertThat(sketch(tenant).length).isLessThan(4096);
        assertThat(one.held()).isZero();
    }

    @Test
    void anAbsurdEstimateOpensOneReviewAndDecidesNothing() throws Exception {
        Served.model();
        String tenant = newTenant("absurd", "community");
        attest(tenant, 5).then().statusCode(201);
        Served.Tenant caller = new Served.Tenant(tenant, newKey(tenant).text());
        long epoch;
        String decision;
        try (KafkaPeer peer = new KafkaPeer()) {
            decision = chat(peer, caller, Map.of("user", "one")).getDecisionId();
            epoch = epoch();
            EndUsers users = replica();
            see(users, tenant, 0, 2000);

            users.flush();
            reviews.review();
            reviews.review();

            assertThat(chat(peer, caller, Map.of("user", "more")).getDecisionId())
                    .isEqualTo(decision);
        }
        Response found = as("officer-a").get(REVIEWS + "?state=open&kind=end_users&tenant=" + tenant);
        found.then()
                .body("data", hasSize(1))
                .body("data[0].licence", equalTo("llama-3.1"))
                .body("data[0].facts.attested", equalTo(5))
                .body("data[0].facts.measured_month", equalTo("2024-06"))
                .body("data[0].facts.threshold", equalTo(700_000_000))
                .body("data[0].facts.above_threshold", equalTo(false))
                .body("data[0].facts.message", startsWith(LABEL));
        assertThat(found.jsonPath().getLong("data[0].facts.lower_bound")).isBetween(1800L, 2000L);
        assertThat(found.jsonPath().getLong("data[0].facts.upper_bound")).isBetween(2000L, 2200L);
        String id = found.path("data[0].id");
        as("officer-a")
                .body(Map.of("text", "asked them\nby letter"))
                .post(REVIEWS + "/" + id + "/comments")
                .then()
                .statusCode(200);
        as("officer-b")
                .body(Map.of("reason", "test accounts"))
                .post(REVIEWS + "/" + id + "/close")
                .then()
                .statusCode(200)
                .body("state", equalTo("closed"))
                .body("closed_by", equalTo("officer-b"))
                .body("history.action", contains("opened", "commented", "closed"))
                .body("history[1].text", equalTo("asked them\nby letter"));
        reviews.review();

        as("auditor").get(REVIEWS + "?tenant=" + tenant).then().body("data.state", contains("closed"));
        assertThat(epoch()).isEqualTo(epoch);
        // The control: a licence fact does move it.
        attest(tenant, 6).then().statusCode(201);
        assertThat(epoch()).isGreaterThan(epoch);
    }

    @Test
    void theGatewayFlushesAndLooksByItself() throws InterruptedException {
        String tenant = newTenant("byitself", "community");
        attest(tenant, 5).then().statusCode(201);

        see(served, tenant, 0, 50);

        long begin = System.nanoTime();
        while (as("auditor")
                .get(REVIEWS + "?tenant=" + tenant)
                .jsonPath()
                .getList("data")
                .isEmpty()) {
            assertThat(System.nanoTime() - begin).isLessThan(10_000_000_000L);
            Thread.sleep(100);
        }
        assertThat(reviews.of(tenant).getFirst().estimate()).isEqualTo(50);
    }

    @Test
    void anEstimateBelowWhatWasAttestedOpensNothing() {
        String tenant = newTenant("modest", "community");
        attest(tenant, 1_000_000);
        EndUsers users = replica();
        see(users, tenant, 0, 2000);
        users.flush();

        reviews.review();

        as("auditor").get(REVIEWS + "?tenant=" + tenant).then().body("data", empty());
    }

    @Test
    void aTenantIsComparedWithItsWholeGroup() {
        String number = io.altiplano.gateway.testing.AdminApi.newNumber();
        String small = newTenant("small", "community", number);
        String large = newTenant("large", "community", number);
        attest(small, 5);
        as("officer-a")
                .body(Map.of(
                        "licence", "llama-3.1",
                        "products", List.of(Map.of("name", "other", "monthly_active_users", 9000, "month", "2024-06")),
                        "signed_by", "Ana Rojas"))
                .post("/admin/v1/tenants/" + large + "/attestations")
                .then()
                .statusCode(201);
        EndUsers users = replica();
        see(users, small, 0, 2000);
        users.flush();

        reviews.review();

        as("auditor").get(REVIEWS + "?tenant=" + small).then().body("data", empty());
    }

    @ParameterizedTest
    @CsvSource({
        "5, 5, false",
        "6, 5, true",
        "700000001, 700000000, true",
        "700000001, 812000000, false",
        "700000000, , false",
        "700000001, , true"
    })
    void theLowerBoundContradictsWhatItIsAbove(long lower, @Nullable Long attested, boolean contradicts) {
        EndUserEstimate estimate = new EndUserEstimate("t", "2026-01", lower + 10, lower, lower + 20, Instant.EPOCH);

        assertThat(estimate.contradicts(attested, 700_000_000)).isEqualTo(contradicts);
    }

    @Test
    void equalIdentifiersOfTwoTenantsOrMonthsHaveNothingInCommon() {
        String one = newTenant("salted", "community");
        String other = newTenant("salted", "community");
        EndUsers now = replica();
        EndUsers later = replica(Clock.fixed(Instant.parse("2031-05-31T23:59:59Z"), ZoneOffset.UTC));
        see(now, one, 0, 100);
        see(now, other, 0, 100);
        see(later, one, 0, 100);
        now.flush();
        later.flush();

        HllSketch tenants = EndUsers.union(HllSketch.heapify(sketch(one)), HllSketch.heapify(sketch(other)));
        HllSketch months = EndUsers.union(HllSketch.heapify(sketch(one)), HllSketch.heapify(sketch(one, "2031-05")));

        assertThat(tenants.getEstimate()).isBetween(190.0, 210.0);
        assertThat(months.getEstimate()).isBetween(190.0, 210.0);
        // The control: one tenant's own are the same.
        assertThat(EndUsers.union(HllSketch.heapify(sketch(one)), HllSketch.heapify(sketch(one)))
                        .getEstimate())
                .isBetween(95.0, 105.0);
    }

    @Test
    void memoryIsBoundedForManyTenants() {
        EndUsers users = replica();

        for (int i = 0; i < EndUsers.MOST_SKETCHES + 500; i++) {
            users.seen("tenant-" + i, "ana");
        }
        users.seen("tenant-1", "bo");

        assertThat(users.held()).isEqualTo(EndUsers.MOST_SKETCHES);
    }

    @Test
    void whatCannotBeFlushedNowIsFlushedLater() {
        String tenant = newTenant("later", "community");
        EndUsers users = replica();
        see(users, tenant, 0, 10);

        GatewayTestResource.get().postgresWire().cut();
        try {
            assertThatThrownBy(users::flush).isInstanceOf(DatabaseUnavailableException.class);
        } finally {
            GatewayTestResource.get().postgresWire().heal();
        }
        see(users, tenant, 5, 15);
        flushOnceItIsBack(users);

        assertThat(reviews.of(tenant).getFirst().estimate()).isEqualTo(15);
    }

    @Test
    void aTenantsTransactionSeesItsOwnEstimateAloneAndNoReview() {
        String mine = newTenant("mine", "community");
        String other = newTenant("other", "community");
        EndUsers users = replica();
        see(users, mine, 0, 3);
        see(users, other, 0, 4);
        users.flush();

        List<String> seen = db.tenant(
                mine,
                handle -> handle.createQuery("SELECT tenant_id FROM end_user_sketch")
                        .mapTo(String.class)
                        .list());

        assertThat(seen).containsExactly(mine);
        for (String table : List.of("policy_review", "policy_review_event", "abuse_report", "abuse_report_event")) {
            assertThatThrownBy(() -> db.tenant(mine, handle -> handle.execute("SELECT 1 FROM " + table)))
                    .as(table)
                    .hasStackTraceContaining("permission denied");
        }
        assertThatThrownBy(() -> db.tenant(
                        mine,
                        handle -> handle.execute(
                                "INSERT INTO end_user_sketch VALUES (?, '2026-01', '\\x00', 1, 1, 1)", other)))
                .hasStackTraceContaining("row-level security");
    }

    @Test
    void aMemberClosesNoReviewOfItsTenantAndAClosedOneStaysAsItWas() {
        String tenant = newTenant("insider", "community");
        String insider = "insider-" + tenant;
        join(tenant, insider, "viewer");
        attest(tenant, 1);
        EndUsers users = replica();
        see(users, tenant, 0, 50);
        users.flush();
        reviews.review();
        String id = as("auditor").get(REVIEWS + "?tenant=" + tenant).path("data[0].id");
        String close = REVIEWS + "/" + id + "/close";

        person(insider, "licence-officer")
                .body(Map.of("reason", "mine"))
                .post(close)
                .then()
                .statusCode(403)
                .body("error.code", equalTo("member_of_tenant"));
        as("officer-a").body(Map.of()).post(close).then().statusCode(400);
        as("officer-a").body(Map.of("reason", "looked at")).post(close).then().statusCode(200);
        as("officer-a")
                .body(Map.of("reason", "again"))
                .post(close)
                .then()
                .statusCode(409)
                .body("error.code", equalTo("policy_review_closed"))
                .body("error.message", startsWith(LABEL));

        String audit = "INSERT INTO audit_log (actor, action, subject, detail) VALUES ('t', 'x', 'x', '{}')";
        assertThatThrownBy(() -> db.operator(handle -> {
                    handle.execute(audit);
                    return handle.execute("UPDATE policy_review SET reason = 'other' WHERE id = ?", id);
                }))
                .hasStackTraceContaining("is closed");
        assertThatThrownBy(() -> db.operator(handle -> {
                    handle.execute(audit);
                    return handle.execute("DELETE FROM policy_review_event WHERE review_id = ?", id);
                }))
                .hasStackTraceContaining("PSQLException");
    }

    @ParameterizedTest
    @ValueSource(strings = {"user", "safety_identifier"})
    void anIdentifierThatIsNoneIsRefusedByItsField(String field) {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");

        for (Object value : List.of(5, List.of("a"), Map.of(), "x".repeat(513))) {
            Map<String, Object> body = new HashMap<>(Served.chat(false));
            body.put(field, value);
            given().header("Authorization", "Bearer " + tenant.key())
                    .contentType(ContentType.JSON)
                    .body(body)
                    .post("/v1/chat/completions")
                    .then()
                    .statusCode(400)
                    .body("error.param", equalTo(field));
        }
    }

    private static void see(EndUsers users, String tenant, int from, int to) {
        for (int i = from; i < to; i++) {
            users.seen(tenant, "user-" + i);
        }
    }

    /** One request, answered; its job. */
    private static JobSubmitted chat(KafkaPeer peer, Served.Tenant tenant, Map<String, Object> more) throws Exception {
        Map<String, Object> body = new HashMap<>(Served.chat(false));
        body.putAll(more);
        CompletableFuture<Response> asked =
                CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                        .contentType(ContentType.JSON)
                        .body(body)
                        .post("/v1/chat/completions"));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "x");
        asked.get(30, TimeUnit.SECONDS).then().statusCode(200);
        return job;
    }

    private static void flushOnceItIsBack(EndUsers users) {
        long begin = System.nanoTime();
        while (users.held() > 0) {
            assertThat(System.nanoTime() - begin).isLessThan(10_000_000_000L);
            try {
                users.flush();
            } catch (DatabaseUnavailableException e) {
                Thread.onSpinWait();
            }
        }
    }

    private byte[] sketch(String tenant) {
        return sketch(tenant, YearMonth.now(ZoneOffset.UTC).toString());
    }

    private byte[] sketch(String tenant, String month) {
        return db.operator(handle -> handle.createQuery(
                        "SELECT sketch FROM end_user_sketch WHERE tenant_id = :tenant AND month = :month")
                .bind("tenant", tenant)
                .bind("month", month)
                .mapTo(byte[].class)
                .one());
    }

    private long epoch() {
        return db.operator(handle -> handle.createQuery("SELECT epoch FROM licence_epoch")
                .mapTo(Long.class)
                .one());
    }
}
