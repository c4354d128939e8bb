package io.altiplano.gateway.policy;

import static io.altiplano.gateway.policy.AbuseReporting.LABEL;
import static io.altiplano.gateway.policy.AbuseReporting.REPORTS;
import static io.altiplano.gateway.policy.AbuseReporting.report;
import static io.altiplano.gateway.policy.AbuseReporting.resolve;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.LicenceGate;
import io.altiplano.gateway.licence.LicenceVerdict;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.TestCheckpoint;
import io.altiplano.licensing.Use;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AbuseReportsTest {
    @Inject
    Db db;

    @Inject
    LicenceGate gate;

    @Test
    void officersFilterAndPage() {
        String subject = newId("paged");
        List<String> ids = List.of(
                report("model", subject).path("id"),
                report("model", subject).path("id"),
                report("model", subject).path("id"));

        String query = REPORTS + "?subject_kind=model&subject_id=" + subject;
        Response first = as("officer-a").get(query + "&limit=2");
        first.then().body("data.id", contains(ids.get(2), ids.get(1))).body("has_more", equalTo(true));
        as("officer-a")
                .get(query + "&limit=2&after=" + first.path("last_id"))
                .then()
                .body("data.id", contains(ids.get(0)))
                .body("has_more", equalTo(false));
        as("auditor").get(query + "&category=spam").then().body("data", hasSize(3));
        as("auditor").get(query + "&category=self_harm").then().body("data", empty());
        as("auditor").get(query + "&state=resolved").then().body("data", empty());
        as("auditor").get(REPORTS + "?state=open").then().body("data.state", everyItem(equalTo("open")));
        for (String wrong : List.of(
                "state=x", "category=x", "subject_kind=x", "limit=x", "after=x", "assignee=" + "x".repeat(256))) {
            as("auditor")
                    .get(REPORTS + "?" + wrong)
                    .then()
                    .statusCode(400)
                    .body("error.param", equalTo(wrong.substring(0, wrong.indexOf('='))));
        }
    }

    @Test
    void whatOfficersDoIsAHistory() {
        String report = report("tenant", "Unknown Corp").path("id");
        String path = REPORTS + "/" + report;
        as("officer-a").body(Map.of()).post(path + "/assign").then().statusCode(200);
        String officer = as("officer-a").get(path).path("assignee");

        as("officer-a")
                .body(Map.of("text", "wrote to them"))
                .post(path + "/notes")
                .then()
                .statusCode(200);
        as("officer-b")
                .body(Map.of("assignee", "somebody-else"))
                .post(path + "/assign")
                .then()
                .statusCode(200);
        resolve("officer-b", report, "no_action", "nothing in it")
                .then()
                .statusCode(200)
                .body("state", equalTo("resolved"))
                .body("outcome", equalTo("no_action"))
                .body("tenant", nullValue());

        as("auditor")
                .get(path)
                .then()
                .body("history.action", contains("received", "assigned", "noted", "assigned", "resolved"))
                .body(
                        "history.actor",
                        contains("system:abuse-reports", "officer-a", "officer-a", "officer-b", "officer-b"))
                .body(
                        "history.text",
                        contains(null, officer, "wrote to them", "somebody-else", "no_action: nothing in it"))
                .body("assignee", equalTo("somebody-else"));
        resolve("officer-a", report, "no_action", "again")
                .then()
                .statusCode(409)
                .body("error.code", equalTo("policy_report_resolved"))
                .body("error.message", startsWith(LABEL));
        as("officer-a").body(Map.of()).post(path + "/assign").then().statusCode(409);
        as("officer-a")
                .body(Map.of("text", "late news"))
                .post(path + "/notes")
                .then()
                .statusCode(200);
        List<String> audited = db.operator(
                handle -> handle.createQuery("SELECT action FROM audit_log WHERE subject = :id ORDER BY seq")
                        .bind("id", report)
                        .mapTo(String.class)
                        .list());
        assertThat(audited)
                .containsExactly(
                        "abuse_report.receive",
                        "abuse_report.assign",
                        "abuse_report.note",
                        "abuse_report.assign",
                        "abuse_report.resolve",
                        "abuse_report.note");
    }

    @Test
    void aSuspensionIsAtOnceNamesItsReportAndTakesTwoToEnd() {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("partner");
        String report = report("tenant", tenant.id()).path("id");

        resolve("officer-a", report, "suspended", "spam proven")
                .then()
                .statusCode(200)
                .body("outcome", equalTo("suspended"))
                .body("tenant", equalTo(tenant.id()))
                .body("resolved_by", equalTo("officer-a"));

        as("auditor")
                .get("/admin/v1/tenants/" + tenant.id() + "/tier-events")
                .then()
                .body("data[-1].to_tier", equalTo("suspended"))
                .body("data[-1].actor", equalTo("officer-a"))
                .body("data[-1].reason", equalTo("spam proven (abuse report " + report + ")"));
        long begin = System.nanoTime();
        Caller caller = new Caller(tenant.id(), "default", "key_test", Tier.PARTNER, Role.DEVELOPER, "00".repeat(32));
        while (!(gate.check(caller, Served.MODEL, "llama-3.1", Use.INFER) instanceof LicenceVerdict.Refused)) {
            assertThat(System.nanoTime() - begin).isLessThan(1_000_000_000L);
            Thread.onSpinWait();
        }
        given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(Served.chat(false))
                .post("/v1/chat/completions")
                .then()
                .statusCode(403)
                .body("error.code", equalTo("policy_suspended"))
                .body("error.message", startsWith(LABEL));
        Response back = as("officer-a")
                .body(Map.of("reason", "a mistake"))
                .post("/admin/v1/tenants/" + tenant.id() + "/reinstate");
        back.then().statusCode(202);
        AdminApi.approve("officer-a", back).then().statusCode(403);
        AdminApi.approve("officer-b", back).then().statusCode(200);
    }

    @Test
    void whoIsMeantIsSaidWhereTheReportDoesNot() {
        String tenant = newTenant("meant", "community");
        String other = newTenant("other", "community");
        String byModel = report("model", newId("gone")).path("id");
        String byName = report("tenant", "TENANT " + tenant.toUpperCase(java.util.Locale.ROOT))
                .path("id");

        resolve("officer-a", byModel, "suspended", "x")
                .then()
                .statusCode(400)
                .body("error.param", equalTo("tenant"))
                .body("error.code", equalTo("policy_tenant_required"));
        as("officer-a")
                .body(Map.of("outcome", "suspended", "reason", "x", "tenant", newId("missing")))
                .post(REPORTS + "/" + byModel + "/resolve")
                .then()
                .statusCode(404);
        as("officer-a")
                .body(Map.of("outcome", "suspended", "reason", "x", "tenant", tenant))
                .post(REPORTS + "/" + byModel + "/resolve")
                .then()
                .statusCode(200)
                .body("tenant", equalTo(tenant));

        assertThat(tier(tenant)).isEqualTo("suspended");
        assertThat(tier(other)).isEqualTo("community");
        as("officer-a").get(REPORTS + "/" + byName).then().body("matched_tenant", equalTo(tenant));
    }

    @Test
    void aWarningIsReadByTheTenantAndByNoOther() {
        String tenant = newTenant("warned", "community");
        String other = newTenant("other", "community");
        join(tenant, tenant, "viewer");
        join(other, other, "viewer");
        String report = report("tenant", tenant).path("id");

        resolve("officer-a", report, "warned", "stop the spam")
                .then()
                .statusCode(200)
                .body("tenant", equalTo(tenant));

        assertThat(tier(tenant)).isEqualTo("community");
        Response log = person(tenant).get("/v1/organization/audit_logs?limit=100");
        assertThat(log.asString())
                .contains("platform_policy.warning", LABEL + "stop the spam")
                .doesNotContain("ana@example.org", "sends me spam");
        assertThat(person(other).get("/v1/organization/audit_logs?limit=100").asString())
                .doesNotContain("warning");
    }

    @Test
    void aMisusedModelIsTakenOutOfServiceAndAnAdministratorPutsItBack() {
        Served.Tenant tenant = Served.Tenant.create("community");
        String model = newId("llama-misused");
        TestCheckpoint.write(GatewayTestResource.get().models(), model);
        as("admin")
                .body(Map.of("id", model, "licence", "llama-3.1"))
                .post("/admin/v1/models")
                .then()
                .statusCode(201);
        String report = report("model", model).path("id");
        String unknown = report("model", newId("gone")).path("id");

        resolve("officer-a", unknown, "model_withdrawn", "x")
                .then()
                .statusCode(400)
                .body("error.code", equalTo("policy_no_such_model"));
        resolve("officer-a", report, "model_withdrawn", "made for malware")
                .then()
                .statusCode(200);

        as("auditor")
                .get("/admin/v1/models")
                .then()
                .body("data.find { it.id == '" + model + "' }.state", equalTo("withdrawn"));
        awaitModel(tenant, model, false);
        as("admin").post("/admin/v1/models/" + model + "/restore").then().statusCode(200);
        awaitModel(tenant, model, true);
        as("admin").delete("/admin/v1/models/" + model).then().statusCode(200);
    }

    @Test
    void aMemberDecidesNothingAboutItsTenant() {
        String tenant = newTenant("insider", "community");
        String insider = "insider-" + tenant;
        join(tenant, insider, "viewer");
        String report = report("tenant", tenant).path("id");

        person(insider, "licence-officer")
                .body(Map.of("outcome", "no_action", "reason", "we are good"))
                .post(REPORTS + "/" + report + "/resolve")
                .then()
                .statusCode(403)
                .body("error.code", equalTo("member_of_tenant"));

        as("auditor").get(REPORTS + "/" + report).then().body("state", equalTo("open"));
    }

    @Test
    void theDatabaseKeepsHistoriesAndRefusesASuspensionThatIsNone() {
        String tenant = newTenant("sql", "community");
        String report = report("tenant", tenant).path("id");
        String resolved = report("tenant", tenant).path("id");
        resolve("officer-a", resolved, "no_action", "x");
        String audit = "INSERT INTO audit_log (actor, action, subject, detail) VALUES ('t', 'x', 'x', '{}')";
        String resolve = "UPDATE abuse_report SET state = 'RESOLVED', outcome = '%s', tenant_id = '" + tenant
                + "', resolved_at = now(), resolved_by = 'x', resolved_by_name = 'x', reason = 'x' WHERE id = '%s'";

        for (String sql : List.of(
                resolve.formatted("SUSPENDED", report),
                resolve.formatted("NO_ACTION", report),
                resolve.formatted("WARNED", resolved),
                "DELETE FROM abuse_report WHERE id = '" + report + "'",
                "UPDATE abuse_report SET description = 'x' WHERE id = '" + report + "'",
                "UPDATE abuse_report_event SET text = 'x' WHERE report_id = '" + report + "'",
                "DELETE FROM abuse_report_event WHERE report_id = '" + report + "'")) {
            assertThatThrownBy(() -> db.operator(handle -> {
                        handle.execute(audit);
                        return handle.execute(sql);
                    }))
                    .as(sql)
                    .hasStackTraceContaining("PSQLException");
        }
        assertThatThrownBy(() -> db.operator(handle -> handle.execute(resolve.formatted("WARNED", report))))
                .hasStackTraceContaining("without an audit row");
        // The control: with its audit row a warning goes through.
        db.<Integer>operator(handle -> {
            handle.execute(audit);
            return handle.execute(resolve.formatted("WARNED", report));
        });
    }

    private static String tier(String tenant) {
        return as("auditor").get("/admin/v1/tenants/" + tenant).path("tier");
    }

    /** Waits until a tenant is shown a model, or is not any more. */
    private static void awaitModel(Served.Tenant tenant, String model, boolean shown) {
        long begin = System.nanoTime();
        while (given().header("Authorization", "Bearer " + tenant.key())
                        .get("/v1/models")
                        .jsonPath()
                        .getList("data.id")
                        .contains(model)
                != shown) {
            assertThat(System.nanoTime() - begin).isLessThan(1_500_000_000L);
        }
    }
}
