package io.altiplano.gateway.policy;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newNumber;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.LicenceGate;
import io.altiplano.gateway.licence.LicenceVerdict;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ReattestationsTest {
    private static final String LABEL = "Platform policy (not the licence): ";
    private static final String RULES = "/admin/v1/platform-policy";
    private static final String DUE = "/admin/v1/reattestations";
    private static final int GRACE_DAYS = 30;

    @Inject
    LicenceGate gate;

    @Inject
    Db db;

    @Inject
    Reviews reviews;

    @Inject
    Reattestations reattestations;

    @BeforeEach
    void rulesThatAreOldEnoughToHold() {
        rules(12, 30, GRACE_DAYS, true).then().statusCode(201);
        past("UPDATE platform_policy SET recorded_at = ?", Instant.parse("2020-01-01T00:00:00Z"));
    }

    @Test
    void theTenantSeesWhenThePlatformWantsItsAttestationAgain() {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");
        join(tenant.id(), tenant.id(), "viewer");

        var seen = person(tenant.id()).get("/v1/organization/attestations");
        var licence = given().header("Authorization", "Bearer " + tenant.key())
                .get("/v1/models/" + Served.MODEL + "/licence");

        Instant accepted = Instant.ofEpochSecond(seen.jsonPath().getLong("data[0].closed_at"));
        long due = accepted.atOffset(ZoneOffset.UTC).plusMonths(12).toEpochSecond();
        seen.then()
                .body("data[0].reattestation_due", equalTo((int) due))
                .body("data[0].platform_policy", startsWith(LABEL));
        licence.then()
                .statusCode(200)
                .body("permitted", equalTo(true))
                .body("platform_policy.licence", contains("llama-3.1"))
                .body("platform_policy.reattestation_due", contains((int) due))
                .body("platform_policy.refused_from", contains((int) (due + GRACE_DAYS * 86_400L)))
                .body("platform_policy.message", contains(startsWith(LABEL)));
    }

    @Test
    void aDraftIsNotDueAgain() {
        String tenant = newTenant("draft", "community");
        as("officer-a")
                .body(Map.of(
                        "licence",
                        "llama-3.1",
                        "products",
                        List.of(Map.of("name", "app", "monthly_active_users", 5, "month", "2024-06")),
                        "signed_by",
                        "Ana Rojas",
                        "submit",
                        false))
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(201)
                .body("reattestation_due", nullValue())
                .body("platform_policy", nullValue());
    }

    @Test
    void whenTheGraceIsOverWorkIsRefusedAsPolicyWithinASecondUntilItIsAttestedAgain() {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");
        Instant refusedFrom = refuseFrom(tenant.id(), Instant.now().plusSeconds(3));
        assertThat(gate.check(caller(tenant.id()), Served.MODEL, "llama-3.1", Use.INFER))
                .isInstanceOf(LicenceVerdict.Permitted.class);

        String code = awaitChange(tenant.id(), "permitted", Duration.ofSeconds(5));

        assertThat(code).isEqualTo("policy_reattestation_overdue");
        assertThat(Instant.now()).isBetween(refusedFrom, refusedFrom.plusSeconds(1));
        chat(tenant.key())
                .then()
                .statusCode(403)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("policy_reattestation_overdue"))
                .body("error.message", startsWith(LABEL))
                .body("error.message", containsString("llama-3.1"));
        String decision = as("auditor")
                .get("/admin/v1/licence-decisions?limit=1&tenant=" + tenant.id())
                .then()
                .body("data[0].permitted", equalTo(false))
                .body("data[0].policy.code", equalTo("policy_reattestation_overdue"))
                .body("data[0].verdict.obligations", notNullValue())
                .extract()
                .path("data[0].id");
        as("auditor")
                .post("/admin/v1/licence-decisions/" + decision + "/replay")
                .then()
                .body("equal", equalTo(true));

        attest(tenant.id(), 1_200_000).then().statusCode(201).body("state", equalTo("accepted"));

        assertThat(awaitChange(tenant.id(), "policy_reattestation_overdue", Duration.ofSeconds(1)))
                .isEqualTo("permitted");
    }

    @Test
    void overdueWithinTheGraceOpensOneReviewAndRefusesNothing() {
        String tenant = newTenant("overdue", "community");
        String attestation = attest(tenant, 5).path("id");
        refuseFrom(tenant, Instant.now().plus(Duration.ofDays(GRACE_DAYS - 1)));

        reattestations.review();
        reattestations.review();

        var found = as("auditor").get("/admin/v1/policy-reviews?kind=reattestation&tenant=" + tenant);
        found.then()
                .body("data.subject", contains(attestation))
                .body("data.state", contains("open"))
                .body("data[0].facts.message", startsWith(LABEL));
        as("officer-a")
                .get(DUE + "?state=overdue&limit=100")
                .then()
                .statusCode(200)
                .body("data.find { it.id == '" + attestation + "' }.review", equalTo(found.path("data[0].id")))
                .body("data.find { it.id == '" + attestation + "' }.tenant", equalTo(tenant));
        assertThat(verdict(tenant, "llama-3.1")).isEqualTo("permitted");

        attest(tenant, 5).then().statusCode(201);
        reattestations.review();

        as("auditor")
                .get("/admin/v1/policy-reviews/" + found.path("data[0].id"))
                .then()
                .body("state", equalTo("closed"))
                .body("reason", equalTo("attested again"))
                .body("history.action", contains("opened", "closed"))
                .body("history.actor", contains("system:platform-policy", "system:platform-policy"));
    }

    @Test
    void theListMovesWithTheClock() {
        String tenant = newTenant("clock", "community");
        String attestation = attest(tenant, 5).path("id");

        assertThat(ids(Duration.ZERO, null)).doesNotContain(attestation);
        assertThat(ids(Duration.ofDays(340), Reattestations.State.DUE)).contains(attestation);
        assertThat(ids(Duration.ofDays(370), Reattestations.State.OVERDUE)).contains(attestation);
        assertThat(ids(Duration.ofDays(400), Reattestations.State.REFUSED)).contains(attestation);
        assertThat(ids(Duration.ofDays(400), Reattestations.State.DUE)).doesNotContain(attestation);
    }

    @Test
    void anOverdueAttestationRefusesNoOtherLicence() {
        String tenant = newTenant("two", "community");
        attest(tenant, 5);
        refuseFrom(tenant, Instant.now().minusSeconds(60));
        as("officer-a")
                .body(Map.of(
                        "licence", "llama-3",
                        "products", List.of(Map.of("name", "app", "monthly_active_users", 5, "month", "2024-03")),
                        "signed_by", "Ana Rojas"))
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(201);

        assertThat(verdict(tenant, "llama-3.1")).isEqualTo("policy_reattestation_overdue");
        assertThat(verdict(tenant, "llama-3")).isEqualTo("permitted");
    }

    @Test
    void theLicencesOwnReasonIsHeardBeforeThePlatforms() {
        String tenant = newTenant("both", "community");
        attest(tenant, 812_000_000);
        refuseFrom(tenant, Instant.now().minusSeconds(60));

        assertThat(verdict(tenant, "llama-3.1")).isEqualTo("licence_approval_required");
    }

    @Test
    void aTenantIsBoundByTheAgeOfItsOwnAttestationAlone() {
        String number = newNumber();
        String first = newTenant("first", "community", number);
        String second = newTenant("second", "community", number);
        attest(first, 5);
        attest(second, 5);

        refuseFrom(first, Instant.now().minusSeconds(60));

        assertThat(verdict(first, "llama-3.1")).isEqualTo("policy_reattestation_overdue");
        assertThat(verdict(second, "llama-3.1")).isEqualTo("permitted");
    }

    @Test
    void wherePolicyDoesNotDenyOfficersHearAndWorkGoesOn() {
        String tenant = newTenant("lenient", "community");
        attest(tenant, 5);
        refuseFrom(tenant, Instant.now().minusSeconds(60));
        assertThat(verdict(tenant, "llama-3.1")).isEqualTo("policy_reattestation_overdue");

        try {
            rules(12, 0, GRACE_DAYS, false).then().statusCode(201).body("deny_after_grace", equalTo(false));
            past("UPDATE platform_policy SET recorded_at = ?", Instant.parse("2020-01-01T00:00:00Z"));

            assertThat(awaitChange(tenant, "policy_reattestation_overdue", Duration.ofSeconds(1)))
                    .isEqualTo("permitted");
            as("auditor")
                    .get(DUE + "?state=overdue&limit=100")
                    .then()
                    .body("data.tenant", hasItem(tenant))
                    .body("data.find { it.tenant == '" + tenant + "' }.refused_from", nullValue());
        } finally {
            rules(12, 30, GRACE_DAYS, true).then().statusCode(201);
        }
    }

    @Test
    void aStricterRuleGivesEverybodyItsNotice() {
        String tenant = newTenant("notice", "community");
        String attestation = attest(tenant, 5).path("id");
        past(
                "UPDATE attestation SET closed_at = ? WHERE id = '" + attestation + "'",
                Instant.now().minus(Duration.ofDays(90)));

        try {
            rules(1, 30, 0, true).then().statusCode(201);

            long due = as("auditor")
                    .get("/admin/v1/tenants/" + tenant + "/attestations/" + attestation)
                    .jsonPath()
                    .getLong("reattestation_due");
            assertThat(Instant.ofEpochSecond(due))
                    .isBetween(
                            Instant.now().plus(Duration.ofDays(29)),
                            Instant.now().plus(Duration.ofDays(31)));
            assertThat(verdict(tenant, "llama-3.1")).isEqualTo("permitted");
        } finally {
            rules(12, 30, GRACE_DAYS, true).then().statusCode(201);
        }
        as("auditor").get(RULES).then().body("data[0].reattestation_months", equalTo(12));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | reattestation_months",
                "{\"reattestation_months\":0,\"notice_days\":1,\"grace_days\":1,\"deny_after_grace\":true} | reattestation_months",
                "{\"reattestation_months\":121,\"notice_days\":1,\"grace_days\":1,\"deny_after_grace\":true} | reattestation_months",
                "{\"reattestation_months\":12,\"notice_days\":-1,\"grace_days\":1,\"deny_after_grace\":true} | notice_days",
                "{\"reattestation_months\":12,\"notice_days\":1,\"grace_days\":1e999,\"deny_after_grace\":true} | grace_days",
                "{\"reattestation_months\":12,\"notice_days\":1,\"grace_days\":1} | deny_after_grace",
                "{\"reattestation_months\":12,\"notice_days\":1,\"grace_days\":1,\"deny_after_grace\":1} | deny_after_grace",
                "{\"reattestation_months\":12,\"notice_days\":1,\"grace_days\":1,\"deny_after_grace\":true,\"x\":1} | x"
            })
    void rulesThatCannotBeAreRefusedByTheirField(String body, String param) {
        int before = as("auditor").get(RULES).jsonPath().getList("data").size();

        as("admin").body(body).post(RULES).then().statusCode(400).body("error.param", equalTo(param));

        assertThat(as("auditor").get(RULES).jsonPath().getList("data")).hasSize(before);
    }

    @ParameterizedTest
    @CsvSource({"?state=never, state", "?limit=0, limit", "?after=att_nothing, after"})
    void aListThatCannotBeIsRefusedByItsParameter(String query, String param) {
        as("officer-a").get(DUE + query).then().statusCode(400).body("error.param", equalTo(param));
    }

    private List<String> ids(Duration later, Reattestations.@Nullable State state) {
        return new Reattestations(db, reviews, Clock.offset(Clock.systemUTC(), later))
                .list(state).stream()
                        .map(Reattestations.Standing::attestationId)
                        .toList();
    }

    private static io.restassured.response.Response rules(int months, int notice, int grace, boolean deny) {
        return as("admin")
                .body(Map.of(
                        "reattestation_months", months,
                        "notice_days", notice,
                        "grace_days", grace,
                        "deny_after_grace", deny))
                .post(RULES);
    }

    /** Puts a tenant's accepted attestations into the past, so that they are refused from an instant on. */
    private static Instant refuseFrom(String tenant, Instant at) {
        Instant accepted = OffsetDateTime.ofInstant(at, ZoneOffset.UTC)
                .minusDays(GRACE_DAYS)
                .minusMonths(12)
                .toInstant();
        past(
                "UPDATE attestation SET closed_at = ? WHERE state = 'ACCEPTED' AND tenant_id = '" + tenant + "'",
                accepted);
        return at;
    }

    /** Changes what nobody may change, without triggers: only time does that otherwise. */
    private static void past(String sql, Instant at) {
        try (Connection superuser = GatewayTestResource.get().superuser();
                var update = superuser.prepareStatement(sql)) {
            superuser.createStatement().execute("SET session_replication_role = replica");
            update.setTimestamp(1, Timestamp.from(at));
            update.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static io.restassured.response.Response chat(String key) {
        return given().header("Authorization", "Bearer " + key)
                .contentType(ContentType.JSON)
                .body(Served.chat(false))
                .post("/v1/chat/completions");
    }

    private static Caller caller(String tenant) {
        return new Caller(tenant, "default", "key_test", Tier.COMMUNITY, Role.DEVELOPER, "00".repeat(32));
    }

    /** What a question is answered that was not asked before. */
    private String verdict(String tenant, String licence) {
        return text(gate.check(caller(tenant), "any-" + licence, licence, Use.INFER));
    }

    /** The first answer that is another than one, within a time. */
    private String awaitChange(String tenant, String from, Duration patience) {
        long begin = System.nanoTime();
        String verdict = from;
        while (verdict.equals(from)) {
            assertThat(System.nanoTime() - begin).isLessThan(patience.toNanos());
            Thread.onSpinWait();
            verdict = text(gate.check(caller(tenant), Served.MODEL, "llama-3.1", Use.INFER));
        }
        return verdict;
    }

    private static String text(LicenceVerdict verdict) {
        return switch (verdict) {
            case LicenceVerdict.Permitted permitted -> "permitted";
            case LicenceVerdict.Refused refused -> refused.code();
            case LicenceVerdict.Unconfirmed unconfirmed -> "unconfirmed";
        };
    }
}
