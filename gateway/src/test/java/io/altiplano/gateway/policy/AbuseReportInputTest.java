package io.altiplano.gateway.policy;

import static io.altiplano.gateway.policy.AbuseReporting.LABEL;
import static io.altiplano.gateway.policy.AbuseReporting.PATH;
import static io.altiplano.gateway.policy.AbuseReporting.body;
import static io.altiplano.gateway.policy.AbuseReporting.report;
import static io.altiplano.gateway.policy.AbuseReporting.seen;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.web.ApiException;
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
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What anyone may send, and how much of it. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AbuseReportInputTest {
    private static final int PER_HOUR = 500;

    @Inject
    Db db;

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
    void oneAddressSendsSoManyAnHourAndAnotherIsNotHeldUp() throws Exception {
        try (HttpClient one = from("127.0.0.77");
                HttpClient other = from("127.0.0.78")) {
            int looked = 0;
            HttpResponse<String> refused = post(one);
            while (refused.statusCode() == 400) {
                looked++;
                // A few are free again while the others are sent.
                assertThat(looked).isLessThan(2 * PER_HOUR);
                refused = post(one);
            }

            assertThat(looked).isGreaterThanOrEqualTo(PER_HOUR);
            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.headers().firstValue("retry-after")).isPresent();
            assertThat(refused.body()).contains("policy_too_many_reports", LABEL);
            assertThat(post(other).statusCode()).isEqualTo(400);
        }
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

    private long count() {
        return db.operator(handle -> handle.createQuery("SELECT count(*) FROM abuse_report")
                .mapTo(Long.class)
                .one());
    }

    private static HttpClient from(String address) {
        return HttpClient.newBuilder()
                .localAddress(InetAddress.ofLiteral(address))
                .build();
    }

    private static HttpResponse<String> post(HttpClient client) throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + RestAssured.port + PATH))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{}"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }
}
