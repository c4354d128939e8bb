package io.altiplano.gateway.licence;

import static io.altiplano.gateway.testing.AdminApi.approve;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.attest;
import static io.altiplano.gateway.testing.AdminApi.document;
import static io.altiplano.gateway.testing.AdminApi.grant;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class GrantsTest {
    @Inject
    Grants grants;

    @Inject
    Db db;

    @Test
    void anApprovedGrantClosesTheRequestAndMovesToTheLicensedTierAndItsEndBack() {
        String tenant = newTenant("granted", "community");
        attest(tenant, 812_000_000);
        Response recorded = grant(tenant, "officer-a");
        assertThat(tier(tenant)).isEqualTo("community");

        approve("officer-b", recorded).then().statusCode(200);

        assertThat(tier(tenant)).isEqualTo("licensed");
        as("auditor").get("/admin/v1/licence-requests?tenant=" + tenant).then().body("data.state", contains("granted"));
        revoke(tenant, recorded).then().statusCode(200);
        assertThat(tier(tenant)).isEqualTo("community");
        as("auditor")
                .get("/admin/v1/licence-requests?tenant=" + tenant)
                .then()
                .body("data.state", contains("open", "granted"));
        revoke(tenant, recorded).then().statusCode(404);
    }

    @Test
    void anEditVoidsTheProposalAndItsEditorIsNoSecondPerson() {
        String tenant = newTenant("edited", "community");
        Response first = grant(tenant, "officer-a");
        Map<String, Object> body = body(tenant, "officer-b");

        Response second = as("officer-b").body(body).put(path(tenant) + "/" + first.path("id"));

        second.then().statusCode(202);
        approve("officer-b", first).then().statusCode(409).body("error.code", equalTo("approval_closed"));
        approve("officer-a", second).then().statusCode(403).body("error.code", equalTo("second_person_required"));
        approve("officer-b", second).then().statusCode(403).body("error.code", equalTo("second_person_required"));
    }

    @Test
    void whoReadAnotherContentDoesNotApprove() {
        String tenant = newTenant("unread", "community");
        Response recorded = grant(tenant, "officer-a");

        as("officer-b")
                .body(Map.of("content_hash", "ab".repeat(32)))
                .post("/admin/v1/approvals/" + recorded.path("approval") + "/approve")
                .then()
                .statusCode(409)
                .body("error.code", equalTo("content_changed"));
    }

    @Test
    void aRejectedGrantNeverCounts() {
        String tenant = newTenant("rejected", "community");
        Response recorded = grant(tenant, "officer-a");

        as("officer-b")
                .body(Map.of("reason", "the letter is to another company"))
                .post("/admin/v1/approvals/" + recorded.path("approval") + "/reject")
                .then()
                .statusCode(200);

        as("auditor").get(path(tenant)).then().body("data.state", contains("rejected"));
        as("officer-b")
                .body(body(tenant, "officer-b"))
                .put(path(tenant) + "/" + recorded.path("id"))
                .then()
                .statusCode(409);
    }

    @Test
    void oneWhoseLastDayIsOverIsRecordedAsExpired() throws SQLException {
        String tenant = newTenant("expired", "community");
        attest(tenant, 812_000_000);
        Map<String, Object> body = new java.util.HashMap<>(body(tenant, "officer-a"));
        body.put("last_day", "2026-01-20");
        Response recorded = as("officer-a").body(body).post(path(tenant));
        approve("officer-b", recorded).then().statusCode(200);

        int expired = grants.expire();

        assertThat(expired).isPositive();
        as("auditor").get(path(tenant)).then().body("data.state", contains("expired"));
        assertThat(tier(tenant)).isEqualTo("community");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "licences | [\"llama-9\"]",
                "licences | []",
                "uses | [\"resell\"]",
                "territory | [\"Chile\"]",
                "date | \"2026-13-01\"",
                "date | \"0000-01-01\"",
                "last_day | \"2025-12-31\"",
                "document | \"\"",
                "document_id | 7"
            })
    void aBadFieldIsNamed(String field, String json) {
        String tenant = newTenant("bad", "community");
        String body = new com.fasterxml.jackson.databind.ObjectMapper()
                .valueToTree(body(tenant, "officer-a"))
                .toString();
        String broken = body.replaceAll("\"" + field + "\":(\\[[^]]*]|\"[^\"]*\")", "\"" + field + "\":" + json);
        if (broken.equals(body)) {
            broken = body.substring(0, body.length() - 1) + ",\"" + field + "\":" + json + "}";
        }

        Response answer = as("officer-a").body(broken).post(path(tenant));

        answer.then().statusCode(400).body("error.param", equalTo(field));
        as("auditor").get(path(tenant)).then().body("data", org.hamcrest.Matchers.empty());
    }

    @Test
    void onlyOfficersRecordAndAForeignDocumentIsNone() {
        String tenant = newTenant("roles", "community");
        String other = newTenant("foreign", "community");
        as("admin").body(body(tenant, "officer-a")).post(path(tenant)).then().statusCode(403);

        as("officer-a")
                .body(body(other, "officer-a"))
                .post(path(tenant))
                .then()
                .statusCode(404)
                .body("error.code", equalTo("document_not_found"));
    }

    @Test
    void theDatabaseRefusesAGrantThatOnePersonApproved() throws SQLException {
        String tenant = newTenant("alone", "community");
        Response recorded = grant(tenant, "officer-a");
        String audit =
                "INSERT INTO audit_log (actor, action, tenant_id, subject, detail) VALUES ('test', 'x', ?, 'x', '{}')";

        for (String sql : List.of(
                "UPDATE licence_grant SET state = 'APPROVED' WHERE id = ?",
                "UPDATE licence_grant SET state = 'APPROVED', approval_id = '" + recorded.path("approval")
                        + "' WHERE id = ?",
                "UPDATE licence_grant SET state = 'EXPIRED' WHERE id = ?",
                "DELETE FROM licence_grant WHERE id = ?")) {
            assertThatThrownBy(() -> db.operator(handle -> {
                        handle.execute(audit, tenant);
                        return handle.execute(sql, recorded.<String>path("id"));
                    }))
                    .as(sql)
                    .hasStackTraceContaining("PSQLException");
        }
        // Nor does one person's forged approval pass the table's own constraint, not even for a superuser.
        try (Connection superuser = GatewayTestResource.get().superuser();
                var statement = superuser.createStatement()) {
            assertThatThrownBy(() -> statement.execute(
                            "UPDATE approval SET state = 'APPROVED', closed_by = proposed_by, closed_by_name = 'x',"
                                    + " closed_at = now() WHERE id = '" + recorded.path("approval") + "'"))
                    .hasMessageContaining("two_persons");
        }
    }

    @Test
    void aTerminatedLicenceIsGivenBackByTwoAndAFiledClaimEndsIt() {
        String tenant = newTenant("ended", "community");
        Response ended = as("officer-a")
                .body(Map.of("licence", "llama-3.1", "cause", "Meta's letter of 2026-03-01"))
                .post("/admin/v1/tenants/" + tenant + "/terminations");
        ended.then().statusCode(201);

        Response proposed = as("officer-a")
                .body(Map.of("reason", "Meta's letter of 2026-04-01"))
                .post("/admin/v1/tenants/" + tenant + "/terminations/" + ended.path("id") + "/reinstate");
        approve("officer-a", proposed).then().statusCode(403);
        approve("officer-b", proposed).then().statusCode(200);
        as("officer-a")
                .body(Map.of("licence", "llama-3.1", "filed_on", "2026-05-01", "reference", "N.D. Cal. 26-cv-1"))
                .post("/admin/v1/tenants/" + tenant + "/litigations")
                .then()
                .statusCode(201);

        as("auditor")
                .get("/admin/v1/tenants/" + tenant + "/licence-ends")
                .then()
                .body(
                        "terminations.reinstated_at",
                        org.hamcrest.Matchers.everyItem(org.hamcrest.Matchers.notNullValue()))
                .body("litigations.filed_on", contains("2026-05-01"));
    }

    private static Map<String, Object> body(String tenant, String user) {
        return Map.of(
                "licences",
                List.of("llama-3.1"),
                "document",
                "Letter",
                "document_id",
                document(tenant, user, "letter to " + tenant),
                "date",
                "2026-01-15");
    }

    private static String path(String tenant) {
        return "/admin/v1/tenants/" + tenant + "/licence-grants";
    }

    private static Response revoke(String tenant, Response recorded) {
        return as("officer-a")
                .body(Map.of("reason", "Meta took it back"))
                .post(path(tenant) + "/" + recorded.path("id") + "/revoke");
    }

    private static String tier(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant).path("tier");
    }
}
