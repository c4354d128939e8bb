package io.altiplano.gateway.policy;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.empty;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;
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
import io.altiplano.gateway.web.ApiException;
import io.altiplano.licensing.Use;
import io.github.bucket4j.TimeMeter;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AbuseReportsTest {
    private static final String LABEL = "Platform policy (not the licence): ";
    private static final String PATH = "/v1/abuse_reports";
    private static final String REPORTS = "/admin/v1/abuse-reports";
    private static final int PER_HOUR = 200;

    @Inject
    Db db;

    @Inject
    LicenceGate gate;

    @Test
    void anyoneReportsAndIsAnsweredTheSameWhetherOrNotThereIsWhatIsNamed() {
        String model = Served.model();
        String tenant = newTenant("named", "community");

        Response known = report("model", model);
        Response unknown = report("model", newId("no-such-model"));
        Response someone = report("tenant", tenant);
        Response nobody = report("tenant", newId("nobody"));

        for (Response answer : List.of(known, unknown, someone, nobody)) {
            String id = answer.path("id");
            assertThat(answer.statusCode()).isEqualTo(202);
            assertThat(answer.asString().replace(id, "ID"))
                    .isEqualTo("{\"object\":\"abuse_report\",\"id\":\"ID\",\"status\":\"received\"}");
        }
        seen(known).body("subject_known", equalTo(true)).body("matched_tenant", nullValue());
        seen(unknown).body("subject_known", equalTo(false));
        seen(someone).body("matched_tenant", equalTo(tenant)).body("state", equalTo("open"));
        seen(nobody).body("matched_tenant", nullValue()).body("history.action", contains("received"));
    }

    @Test
    void aReportWithAKeySaysWhoseAndABrokenKeyIsRefused() {
        String tenant = newTenant("reporter", "community");
        AdminApi.Key key = newKey(tenant);

        Response answer = given().header("Authorization", "Bearer " + key.text())
                .contentType(ContentType.JSON)
                .body(body("tenant", "somebody"))
                .post(PATH);
        as("admin").delete("/admin/v1/keys/" + key.id()).then().statusCode(200);

        answer.then().statusCode(202);
        seen(answer).body("reporter_tenant", equalTo(tenant)).body("contact", equalTo("ana@example.org"));
        given().header("Authorization", "Bearer alt_dev_junk")
                .contentType(ContentType.JSON)
                .body(body("tenant", "somebody"))
                .post(PATH)
                .then()
                .statusCode(401);
        // Who is named and who reports: neither reads of it in its own audit log.
        List<String> told = db.tenant(
                tenant,
                handle -> handle.createQuery("SELECT action FROM audit_log WHERE action LIKE 'abuse%'")
                        .mapTo(String.class)
                        .list());
        assertThat(told).isEmpty();
    }

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

    @Test
    void oneAddressSendsSoManyAnHourAndAnotherIsNotHeldUp() throws Exception {
        List<Integer> statuses = new java.util.ArrayList<>();
        for (int i = 0; i < PER_HOUR + 1; i++) {
            statuses.add(postFrom("127.0.0.77").statusCode());
        }

        HttpResponse<String> refused = postFrom("127.0.0.77");

        assertThat(statuses.subList(0, PER_HOUR)).containsOnly(400);
        assertThat(refused.statusCode()).isEqualTo(429);
        assertThat(refused.headers().firstValue("retry-after")).isPresent();
        assertThat(refused.body()).contains("policy_too_many_reports", LABEL);
        assertThat(postFrom("127.0.0.78").statusCode()).isEqualTo(400);
    }

    @Test
    void theBucketFillsAgainWithTime() {
        AtomicLong now = new AtomicLong();
        ReportLimits limits = new ReportLimits(2, new TimeMeter() {
            @Override
            public long currentTimeNanos() {
                return now.get();
            }

            @Override
            public boolean isWallClockBased() {
                return false;
            }
        });
        limits.take("a");
        limits.take("a");
        assertThatThrownBy(() -> limits.take("a")).isInstanceOf(ApiException.class);

        limits.take("b");
        now.addAndGet(Duration.ofMinutes(30).toNanos());

        limits.take("a");
        assertThatThrownBy(() -> limits.take("a")).isInstanceOf(ApiException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "192.0.2.1, 192.0.2.1, true",
        "192.0.2.1, 192.0.2.2, false",
        "2001:db8:0:1::1, 2001:db8:0:1:ffff::2, true",
        "2001:db8:0:1::1, 2001:db8:0:2::1, false",
        "/tmp/socket, nonsense, true"
    })
    void anIpv6NetworkIsOneSender(String one, String other, boolean same) {
        assertThat(ReportLimits.sender(one).equals(ReportLimits.sender(other))).isEqualTo(same);
    }

    static List<Map<String, Object>> badFields() {
        return List.of(
                Map.of("subject_kind", "person"),
                Map.of("subject_kind", 1),
                Map.of("subject_kind", "MODEL"),
                Map.of("subject_id", ""),
                Map.of("subject_id", "x".repeat(201)),
                Map.of("subject_id", "a\u0000b"),
                Map.of("subject_id", List.of("a")),
                Map.of("category", "boring"),
                Map.of("description", " \n "),
                Map.of("description", "x".repeat(10_001)),
                Map.of("description", "a\u0007b"),
                Map.of("contact", "x".repeat(321)),
                Map.of("contact", "a\nb"),
                Map.of("tenant", "acme"),
                Map.of("state", "resolved"));
    }

    @ParameterizedTest
    @MethodSource("badFields")
    void aBadFieldIsRefusedByItsNameAndNothingIsKept(Map<String, Object> bad) {
        long before = count();
        Map<String, Object> body = body("model", "m");
        body.putAll(bad);

        given().contentType(ContentType.JSON)
                .body(body)
                .post(PATH)
                .then()
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"))
                .body("error.param", equalTo(bad.keySet().iterator().next()));

        assertThat(count()).isEqualTo(before);
    }

    @Test
    void whatIsNoReportIsRefusedWithoutRepeatingIt() {
        String script = "<script>alert(1)</script>";
        long before = count();
        List<Response> answers = List.of(
                given().contentType(ContentType.JSON)
                        .body("{\"" + script + "\":1}")
                        .post(PATH),
                given().contentType(ContentType.JSON).body(script).post(PATH),
                given().contentType(ContentType.JSON).body("[".repeat(10_000)).post(PATH),
                given().contentType(ContentType.JSON)
                        .body("{\"category\":\"a\",\"category\":\"b\"}")
                        .post(PATH),
                given().contentType(ContentType.JSON)
                        .body("{\"subject_id\":\"\\ud800\"}")
                        .post(PATH),
                given().contentType("text/html").body(script).post(PATH),
                given().contentType(ContentType.JSON)
                        .body("{\"description\":\"" + "x".repeat(200_000) + "\"}")
                        .post(PATH));
        Map<String, Object> unknownField = body("model", "m");
        unknownField.put(script, 1);
        Response field =
                given().contentType(ContentType.JSON).body(unknownField).post(PATH);

        assertThat(answers.stream().map(Response::statusCode)).containsExactly(400, 400, 400, 400, 400, 415, 413);
        assertThat(field.statusCode()).isEqualTo(400);
        for (Response answer : List.of(answers.get(0), answers.get(1), answers.get(5), field)) {
            assertThat(answer.asString()).doesNotContain("<script", "</script");
            assertThat(answer.contentType()).startsWith("application/json");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        }
        assertThat(count()).isEqualTo(before);
    }

    @Test
    void theLongestReportIsKeptAsItWasAndShownAsJson() {
        Map<String, Object> body = body("tenant", "Robert'); DROP TABLE tenant;--");
        String description = "<b>=1+1</b>\n\u202Eright to left \uD83D\uDE00".concat("\u00e9".repeat(9_900));
        body.put("description", description);
        body.remove("contact");

        Response answer = given().contentType(ContentType.JSON).body(body).post(PATH);

        answer.then().statusCode(202).body("id", not(containsString("<")));
        seen(answer)
                .contentType(ContentType.JSON)
                .header("X-Content-Type-Options", "nosniff")
                .body("description", equalTo(description))
                .body("subject_id", equalTo("Robert'); DROP TABLE tenant;--"))
                .body("contact", nullValue());
        as("auditor").get("/admin/v1/tenants").then().statusCode(200).body("object", equalTo("list"));
    }

    private static Map<String, Object> body(String kind, String subject) {
        return new HashMap<>(Map.of(
                "subject_kind", kind,
                "subject_id", subject,
                "category", "spam",
                "description", "It sends me spam.\nEvery day.",
                "contact", "ana@example.org"));
    }

    private static Response report(String kind, String subject) {
        Response answer =
                given().contentType(ContentType.JSON).body(body(kind, subject)).post(PATH);
        answer.then().statusCode(202);
        return answer;
    }

    private static io.restassured.response.ValidatableResponse seen(Response reported) {
        return as("auditor").get(REPORTS + "/" + reported.path("id")).then().statusCode(200);
    }

    private static Response resolve(String officer, String report, String outcome, String reason) {
        return as(officer).body(Map.of("outcome", outcome, "reason", reason)).post(REPORTS + "/" + report + "/resolve");
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

    private long count() {
        return db.operator(handle -> handle.createQuery("SELECT count(*) FROM abuse_report")
                .mapTo(Long.class)
                .one());
    }

    private static HttpResponse<String> postFrom(String address) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newBuilder()
                .localAddress(InetAddress.ofLiteral(address))
                .build()) {
            return client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + RestAssured.port + PATH))
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofString("{}"))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        }
    }
}
