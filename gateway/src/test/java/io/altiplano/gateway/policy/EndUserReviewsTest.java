package io.altiplano.gateway.policy;

import static io.altiplano.gateway.policy.EndUserTraffic.chat;
import static io.altiplano.gateway.policy.EndUserTraffic.see;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.gateway.access.KeyHasher;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class EndUserReviewsTest {
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

    private EndUsers replica() {
        return new EndUsers(db, Clock.systemUTC(), hasher);
    }

    @Test
    void anAbsurdEstimateOpensOneReviewAndDecidesNothing() throws Exception {
        Served.model();
        // The licence epoch is everybody's, and what other tests left may end meanwhile: then all of it is tried once
        // more.
        boolean moved = true;
        for (int tries = 0; moved && tries < 3; tries++) {
            moved = aReviewMovesTheEpoch(newTenant("absurd", "community"));
        }
        assertThat(moved).isFalse();
        // The control: a licence fact does move it.
        long epoch = epoch();
        attest(newTenant("attesting", "community"), 6).then().statusCode(201);
        assertThat(epoch()).isGreaterThan(epoch);
    }

    /** From the first request to the closed review; whether the licence epoch is another one then. */
    private boolean aReviewMovesTheEpoch(String tenant) throws Exception {
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
        return epoch() != epoch;
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
    @CsvSource({"?state=shut, state", "?kind=other, kind", "?limit=101, limit", "?after=rev_x, after"})
    void aListThatCannotBeIsRefusedByItsParameter(String query, String param) {
        as("officer-a").get(REVIEWS + query).then().statusCode(400).body("error.param", equalTo(param));
    }

    @Test
    void ofThePolicysTablesOnlyTheRulesAreALicenceFact() {
        List<String> facts = db.operator(handle -> handle.createQuery(
                        "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'licence_fact'")
                .mapTo(String.class)
                .list());

        assertThat(facts)
                .contains("platform_policy", "attestation", "tenant")
                .doesNotContain(
                        "end_user_sketch",
                        "policy_review",
                        "policy_review_event",
                        "abuse_report",
                        "abuse_report_event");
    }

    private long epoch() {
        return db.operator(handle -> handle.createQuery("SELECT epoch FROM licence_epoch")
                .mapTo(Long.class)
                .one());
    }
}
