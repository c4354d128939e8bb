package io.altiplano.gateway.policy;

import static io.altiplano.gateway.policy.EndUserTraffic.chat;
import static io.altiplano.gateway.policy.EndUserTraffic.see;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.access.KeyHasher;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.datasketches.hll.HllSketch;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class EndUsersTest {
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
        healed();
        users.flush();

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

    /** Waits until every pool has found out that its connections were cut, and has new ones. */
    private void healed() {
        Function<Handle, Integer> ask = handle -> handle.execute("SELECT 1");
        List<Supplier<Integer>> pools =
                List.of(() -> db.operator(ask), () -> db.platform(ask), () -> db.auth(ask), () -> db.ledger(ask));
        long begin = System.nanoTime();
        for (Supplier<Integer> pool : pools) {
            boolean back = false;
            while (!back) {
                assertThat(System.nanoTime() - begin).isLessThan(20_000_000_000L);
                try {
                    var unused = pool.get();
                    back = true;
                } catch (DatabaseUnavailableException e) {
                    Thread.onSpinWait();
                }
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
}
