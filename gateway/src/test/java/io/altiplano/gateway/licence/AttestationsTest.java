package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.approve;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.newNumber;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.notNullValue;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AttestationsTest {
    @Inject
    LicenceGate gate;

    @Inject
    Db db;

    @ParameterizedTest
    @CsvSource({"699999999, permitted", "700000000, permitted", "700000001, licence_approval_required"})
    void theThresholdIsPassedByMoreAndNotByEqual(long users, String verdict) {
        String tenant = newTenant("boundary", "community");

        attest(tenant, users).then().statusCode(201).body("state", equalTo("accepted"));

        assertThat(verdict(tenant)).isEqualTo(verdict);
        assertThat(openRequests(tenant)).hasSize(verdict.equals("permitted") ? 0 : 1);
    }

    @Test
    void aFirstFigureMovesAnEvaluationToTheCommunityTier() {
        String below = newTenant("first", "evaluation");
        String above = newTenant("first-large", "evaluation");

        attest(below, 5).then().statusCode(201);
        attest(above, 700_000_001).then().statusCode(201);

        assertThat(tier(below)).isEqualTo("community");
        assertThat(tier(above)).isEqualTo("evaluation");
    }

    @Test
    void aCorrectionByOneOfficerThatFallsBelowTheThresholdDoesNotCount() {
        String tenant = newTenant("corrected", "community");
        String first = attest(tenant, 812_000_000).path("id");

        Response correction = attest(tenant, 5);

        correction
                .then()
                .statusCode(202)
                .body("state", equalTo("submitted"))
                .body("corrects", equalTo(first))
                .body("doubts", contains(containsString("would fall from 812,000,000 to 5")));
        approve("officer-a", correction).then().statusCode(403).body("error.code", equalTo("second_person_required"));
        assertThat(verdict(tenant)).isEqualTo("licence_approval_required");
        approve("officer-b", correction).then().statusCode(200);
        assertThat(verdict(tenant)).isEqualTo("permitted");
        assertThat(openRequests(tenant)).isEmpty();
        as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .body("data.state", contains("accepted", "superseded"))
                .body("data.monthly_active_users", contains(5, 812_000_000));
    }

    @Test
    void anEditAfterTheProposalVoidsIt() {
        String tenant = newTenant("edited", "community");
        attest(tenant, 812_000_000);
        Response proposed = attest(tenant, 6);
        String id = proposed.path("id");

        as("officer-b")
                .body(body(7))
                .put(path(tenant, id))
                .then()
                .statusCode(200)
                .body("state", equalTo("draft"));

        approve("officer-b", proposed).then().statusCode(409).body("error.code", equalTo("approval_closed"));
        Response again = as("officer-b").post(path(tenant, id) + "/submit");
        again.then().statusCode(202).body("monthly_active_users", equalTo(7));
        // Both have written some of it now, so neither may be the second person.
        approve("officer-a", again).then().statusCode(403);
        approve("officer-b", again).then().statusCode(403);
        assertThat(verdict(tenant)).isEqualTo("licence_approval_required");
    }

    @Test
    void aSecondAccountOfTheSameGroupIsBoundByTheGroupsFigure() {
        String number = newNumber();
        String large = newTenant("large", "community", number);
        attest(large, 812_000_000);
        String second = newTenant("second", "community", number);
        String parent = newTenant("parent", "community");
        as("officer-a")
                .body(Map.of("name", "Large", "registration_number", number))
                .post("/admin/v1/tenants/" + parent + "/affiliates")
                .then()
                .statusCode(201);

        attest(second, 5).then().statusCode(201);
        attest(parent, 5).then().statusCode(201);

        assertThat(verdict(second)).isEqualTo("licence_approval_required");
        assertThat(verdict(parent)).isEqualTo("licence_approval_required");
        assertThat(openRequests(second)).hasSize(1);
        assertThat(openRequests(parent)).hasSize(1);
    }

    @Test
    void affiliatesThatAreTenantsSumOverTheThreshold() {
        String number = newNumber();
        String child = newTenant("child", "community", number);
        String parent = newTenant("parent", "community");
        attest(child, 400_000_000).then().statusCode(201);
        attest(parent, 300_000_001).then().statusCode(201);
        assertThat(verdict(child)).isEqualTo("permitted");

        as("officer-a")
                .body(Map.of("name", "Child", "registration_number", number))
                .post("/admin/v1/tenants/" + parent + "/affiliates")
                .then()
                .statusCode(201);

        within(child, "licence_approval_required");
        within(parent, "licence_approval_required");
        assertThat(openRequests(child)).hasSize(1);
        // And what the others stated is not told.
        List<String> inputs = db.tenant(
                child,
                handle -> handle.createQuery(
                                "SELECT inputs::text FROM licence_decision ORDER BY decided_at DESC LIMIT 1")
                        .mapTo(String.class)
                        .list());
        assertThat(inputs.getFirst()).contains("the rest of the group").doesNotContain(parent);
    }

    @Test
    void aFirstFigureThatAFactContradictsIsNotAcceptedByItself() {
        String tenant = newTenant("contradicted", "community");
        as("officer-a")
                .body(Map.of("name", "Sub", "registration_number", newNumber()))
                .post("/admin/v1/tenants/" + tenant + "/affiliates")
                .then()
                .statusCode(201);
        as("officer-a")
                .body(Map.of("name", "Search"))
                .post("/admin/v1/tenants/" + tenant + "/products")
                .then()
                .statusCode(201);

        Response answer = attest(tenant, 5);

        answer.then()
                .statusCode(202)
                .body("doubts", contains(containsString("affiliate Sub"), containsString("product Search")));
        assertThat(verdict(tenant)).isEqualTo("attestation_required");
        as("officer-b")
                .body(Map.of("reason", "name them"))
                .post(path(tenant, answer.path("id")) + "/reject")
                .then()
                .statusCode(200)
                .body("state", equalTo("rejected"));
        approve("officer-b", answer).then().statusCode(409);
    }

    @Test
    void aDraftCountsForNothingUntilItIsSubmitted() {
        String tenant = newTenant("draft", "community");
        Map<String, Object> draft = new java.util.HashMap<>(body(9));
        draft.put("submit", false);
        Response drafted = as("officer-a").body(draft).post("/admin/v1/tenants/" + tenant + "/attestations");
        drafted.then().statusCode(201).body("state", equalTo("draft")).body("doubts", empty());
        assertThat(verdict(tenant)).isEqualTo("attestation_required");

        as("admin")
                .post(path(tenant, drafted.path("id")) + "/submit")
                .then()
                .statusCode(200)
                .body("state", equalTo("accepted"));
        as("admin").post(path(tenant, drafted.path("id")) + "/submit").then().statusCode(409);

        within(tenant, "permitted");
    }

    @Test
    void withoutARegistrationNumberNothingIsSubmitted() {
        String tenant = io.altiplano.gateway.testing.AdminApi.newId("nameless");
        as("admin")
                .body(Map.of("id", tenant, "name", "Nameless", "tier", "community"))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(201);

        attest(tenant, 5).then().statusCode(409).body("error.code", equalTo("registration_number_required"));

        as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .body("data", empty());
    }

    @Test
    void evidenceIsServedAsAnAttachmentThatNoBrowserInterprets() {
        String tenant = newTenant("evidence", "community");
        Response uploaded = as("officer-a")
                .contentType("text/html")
                .body("<script>alert(1)</script>")
                .queryParam("name", "r\u00e9sum\u00e9\"; x.html")
                .post("/admin/v1/tenants/" + tenant + "/documents");
        uploaded.then().statusCode(201).body("sha256", notNullValue()).body("bytes", equalTo(25));
        Map<String, Object> body = new java.util.HashMap<>(body(5));
        body.put("document", uploaded.path("id"));

        as("officer-a")
                .body(body)
                .post("/admin/v1/tenants/" + tenant + "/attestations")
                .then()
                .statusCode(201)
                .body("document", equalTo(uploaded.path("id")));

        as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/documents/" + uploaded.path("id"))
                .then()
                .statusCode(200)
                .contentType("application/octet-stream")
                .header("X-Content-Type-Options", "nosniff")
                .header(
                        "Content-Disposition",
                        "attachment; filename=\"document\"; filename*=UTF-8''r%C3%A9sum%C3%A9%22%3B%20x.html");
        String other = newTenant("other", "community");
        as("auditor")
                .get("/admin/v1/tenants/" + other + "/documents/" + uploaded.path("id"))
                .then()
                .statusCode(404);
        body.put("licence", "llama-3.1");
        as("officer-a")
                .body(body)
                .post("/admin/v1/tenants/" + other + "/attestations")
                .then()
                .statusCode(404);
    }

    @Test
    void theDatabaseRefusesWhatTheServiceWould() {
        String tenant = newTenant("sql", "community");
        attest(tenant, 812_000_000);
        String waiting = attest(tenant, 5).path("id");
        String audit =
                "INSERT INTO audit_log (actor, action, tenant_id, subject, detail) VALUES ('test', 'x', ?, 'x', '{}')";

        for (String sql : List.of(
                "UPDATE attestation SET state = 'ACCEPTED', closed_at = now() WHERE id = ?",
                "UPDATE attestation SET signed_by = 'somebody else' WHERE id = ?",
                "UPDATE attestation_item SET monthly_active_users = 0 WHERE attestation_id = ?",
                "DELETE FROM attestation_item WHERE attestation_id = ?",
                "DELETE FROM attestation WHERE id = ?")) {
            assertThatThrownBy(() -> db.operator(handle -> {
                        handle.execute(audit, tenant);
                        return handle.execute(sql, waiting);
                    }))
                    .as(sql)
                    .hasStackTraceContaining("PSQLException");
        }
        assertThat(verdict(tenant)).isEqualTo("licence_approval_required");
    }

    @Test
    void metasRefusalIsNotedOnTheRequest() {
        String tenant = newTenant("refused", "community");
        attest(tenant, 812_000_000);
        String request = openRequests(tenant).getFirst();

        as("officer-a")
                .body(Map.of("reason", "Meta's letter of 2026-02-01"))
                .post("/admin/v1/licence-requests/" + request + "/refuse")
                .then()
                .statusCode(200)
                .body("state", equalTo("refused"));

        as("officer-a")
                .body(Map.of("reason", "again"))
                .post("/admin/v1/licence-requests/" + request + "/refuse")
                .then()
                .statusCode(404);
        as("auditor")
                .get("/admin/v1/licence-requests?state=refused&tenant=" + tenant)
                .then()
                .body("data", hasSize(1));
    }

    private static Map<String, Object> body(long users) {
        return Map.of(
                "licence",
                "llama-3.1",
                "products",
                List.of(Map.of("name", "app", "monthly_active_users", users, "month", "2024-06")),
                "signed_by",
                "Ana Rojas");
    }

    private static String path(String tenant, String id) {
        return "/admin/v1/tenants/" + tenant + "/attestations/" + id;
    }

    private static List<String> openRequests(String tenant) {
        return as("auditor")
                .get("/admin/v1/licence-requests?state=open&tenant=" + tenant)
                .path("data.id");
    }

    private static String tier(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant).path("tier");
    }

    private void within(String tenant, String wanted) {
        long begin = System.nanoTime();
        while (!verdict(tenant).equals(wanted)) {
            assertThat(System.nanoTime() - begin).isLessThan(1_000_000_000L);
        }
    }

    /** As it is once it has been confirmed: a verdict may be three quarters of a second old. */
    private String verdict(String tenant) {
        try {
            Thread.sleep(EpochWatch.CONFIRMED.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Caller caller = new Caller(tenant, "default", "key_test", Tier.COMMUNITY, Role.DEVELOPER, "00".repeat(32));
        return switch (gate.check(caller, "llama-3.1-starter", "llama-3.1", Use.INFER)) {
            case LicenceVerdict.Permitted permitted -> "permitted";
            case LicenceVerdict.Refused refused -> refused.code();
            case LicenceVerdict.Unconfirmed unconfirmed -> "unconfirmed";
        };
    }
}
