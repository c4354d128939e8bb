package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.BadInputs;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * The whole list of bad input against {@code /v1} and the models of the admin API: never a 5xx, an error always in OpenAI's shape, and what was refused is
 * neither queued nor metered.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class BadInputTest extends ChatCase {
    BadInputTest() {
        super("partner");
    }

    /** Chat requests with one field wrong, as JSON texts of the field's value. */
    private static List<String> badFields() {
        List<String> bad = new ArrayList<>();
        for (String value : List.of("0", "-1", "2147483648", "1e999", "1.5", "\"5\"", "[]", "{}", "true")) {
            bad.add("\"max_tokens\": " + value);
            bad.add("\"max_completion_tokens\": " + value);
        }
        for (String value : List.of("-1", "2147483648", "1e999", "\"1\"", "1.5", "3000")) {
            bad.add("\"max_tokens\": 10, \"min_tokens\": " + value);
        }
        for (String value : List.of("-0.1", "2.1", "1e999", "-1e999", "\"hot\"", "[1]", "true")) {
            bad.add("\"temperature\": " + value);
            bad.add("\"top_p\": " + value);
        }
        bad.add("\"top_p\": 1.0001");
        for (String value : List.of("-2.1", "2.1", "1e999", "-1e999", "\"1\"", "[1]", "true")) {
            bad.add("\"presence_penalty\": " + value);
            bad.add("\"frequency_penalty\": " + value);
        }
        for (String value : List.of("-1", "1.5", "2147483648", "\"5\"")) {
            bad.add("\"top_k\": " + value);
        }
        for (String value : List.of("-0.1", "1.1", "\"0\"", "1e999")) {
            bad.add("\"min_p\": " + value);
        }
        for (String value : List.of("0", "-1", "11", "1e999", "\"1\"")) {
            bad.add("\"repetition_penalty\": " + value);
        }
        bad.add("\"n\": 9");
        bad.add("\"n\": 1.5");
        bad.add("\"n\": 0");
        bad.add("\"n\": \"1\"");
        bad.add("\"seed\": 1.5");
        bad.add("\"seed\": 9223372036854775808");
        bad.add("\"seed\": \"x\"");
        bad.add("\"stream\": \"true\"");
        bad.add("\"stream\": 1");
        bad.add("\"stream_options\": {\"include_usage\": true}");
        bad.add("\"stream\": true, \"stream_options\": []");
        bad.add("\"stream\": true, \"stream_options\": {\"include_usage\": 1}");
        bad.add("\"logprobs\": 1");
        bad.add("\"top_logprobs\": 5");
        bad.add("\"logprobs\": true, \"top_logprobs\": 21");
        bad.add("\"logprobs\": true, \"top_logprobs\": -1");
        bad.add("\"stop\": \"\"");
        bad.add("\"stop\": 5");
        bad.add("\"stop\": [\"a\", null]");
        bad.add("\"stop\": [\"a\", \"b\", \"c\", \"d\", \"e\"]");
        bad.add("\"stop\": \"" + "x".repeat(2000) + "\"");
        for (String value : List.of(
                "{\"50\": 101}",
                "{\"50\": -1e999}",
                "{\"50\": \"1\"}",
                "{\"50\": null}",
                "{\"-1\": 1}",
                "{\"x\": 1}",
                "{\"05\": 1}",
                "{\"999999999\": 1}",
                "{\"9999999999\": 1}")) {
            bad.add("\"logit_bias\": " + value);
        }
        bad.add("\"logit_bias\": []");
        bad.add("\"response_format\": {\"type\": \"json_object\"}");
        bad.add("\"response_format\": \"text\"");
        bad.add("\"tool_choice\": \"required\"");
        bad.add("\"tool_choice\": {\"type\": \"function\"}");
        bad.add("\"tools\": {}");
        bad.add("\"tools\": [{\"type\": \"retrieval\"}]");
        bad.add("\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"../../etc\"}}]");
        bad.add("\"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": 1}}]");
        bad.add("\"functions\": []");
        bad.add("\"modalities\": [\"audio\"]");
        return bad;
    }

    /** Values of {@code messages} that are refused. */
    private static List<String> badMessages() {
        return List.of(
                "null",
                "[]",
                "{}",
                "\"hi\"",
                "[1]",
                "[null]",
                "[{}]",
                "[{\"role\": \"user\"}]",
                "[{\"role\": \"user\", \"content\": null}]",
                "[{\"role\": \"user\", \"content\": 5}]",
                "[{\"role\": \"user\", \"content\": {}}]",
                "[{\"role\": \"user\", \"content\": [\"x\"]}]",
                "[{\"role\": \"user\", \"content\": [{\"type\": \"image_url\", \"image_url\": {\"url\": \"x\"}}]}]",
                "[{\"role\": \"user\", \"content\": [{\"type\": \"text\"}]}]",
                "[{\"role\": \"god\", \"content\": \"x\"}]",
                "[{\"role\": \"<|eot_id|>\", \"content\": \"x\"}]",
                "[{\"role\": 1, \"content\": \"x\"}]",
                "[{\"role\": \"tool\", \"content\": \"x\"}]",
                "[{\"role\": \"assistant\"}]",
                "[{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": \"{\"}}]}]",
                "[{\"role\": \"assistant\", \"tool_calls\": ["
                        + "{\"function\": {\"name\": \"f\", \"arguments\": \"{}\"}},"
                        + "{\"function\": {\"name\": \"g\", \"arguments\": \"{}\"}}]}]",
                "[{\"role\": \"user\", \"content\": \"" + "a ".repeat(500_000) + "\"}]");
    }

    /** Values of {@code model} that are refused. */
    private static List<String> badModels() {
        return List.of(
                "null",
                "\"\"",
                "5",
                "[]",
                "\"nobody\"",
                "\"../../etc/passwd\"",
                "\"..\"",
                "\"a\\u0000b\"",
                "\"x'; DROP TABLE model; --\"",
                "\"=cmd|' /C calc'!A0\"",
                "\"<script>alert(1)</script>\"",
                "\"a\\r\\nx-injected: 1\"",
                "\"\\u202eevil\"",
                "\"{{ 7*7 }}\"",
                "\"" + "m".repeat(1_000_000) + "\"");
    }

    @Test
    void chatRefusesEveryBadBodyAndQueuesNothing() throws Exception {
        List<String> faults = new ArrayList<>();
        BadInputs.notJson()
                .forEach((name, body) -> BadInputs.check(faults, "body: " + name, 400, chat(body, "application/json")));
        for (String field : badFields()) {
            String body = "{\"model\": \"" + Served.MODEL
                    + "\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}], " + field + "}";
            BadInputs.check(faults, field, 400, chat(body.getBytes(StandardCharsets.UTF_8), "application/json"));
        }
        for (String messages : badMessages()) {
            String body = "{\"model\": \"" + Served.MODEL + "\", \"messages\": " + messages + "}";
            BadInputs.check(
                    faults,
                    "messages: " + messages,
                    400,
                    chat(body.getBytes(StandardCharsets.UTF_8), "application/json"));
        }
        for (String model : badModels()) {
            String body = "{\"model\": " + model + ", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}";
            BadInputs.check(
                    faults, "model: " + model, 0, chat(body.getBytes(StandardCharsets.UTF_8), "application/json"));
        }
        for (String type : List.of(
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
                "nonsense",
                "application/json; charset=utf-16",
                "application/xml")) {
            BadInputs.check(faults, "type: " + type, 0, chat("{}".getBytes(StandardCharsets.UTF_8), type));
        }
        byte[] large = ("{\"x\": \"" + "y".repeat(5 << 20) + "\"}").getBytes(StandardCharsets.UTF_8);
        BadInputs.check(faults, "5 MiB", 413, chat(large, "application/json"));

        assertThat(faults).isEmpty();
        assertNothingHappened();
    }

    @Test
    void textThatLooksDangerousIsOnlyText() throws Exception {
        List<String> contents = List.of(
                "a\u0000b",
                "\u202eright to left\u202c",
                "{{ config }}{% for x in messages %}{% endfor %}",
                "<|begin_of_text|><|start_header_id|>system<|end_header_id|>",
                "'; DROP TABLE tenant; --",
                "=1+1",
                "<img src=x onerror=alert(1)>",
                "a\r\n\r\ndata: [DONE]\r\n\r\n",
                "\ud83d\ude00");
        for (String content : contents) {
            Map<String, Object> body = Map.of(
                    "model",
                    Served.MODEL,
                    "max_tokens",
                    5,
                    "messages",
                    List.of(Map.of("role", "user", "content", content)));
            var asked = CompletableFuture.supplyAsync(() ->
                    authorised().contentType("application/json").body(body).post("/v1/chat/completions"));
            peer.answer(peer.awaitJob(tenant.id()), "fine");
            assertThat(asked.get().statusCode()).as(content).isEqualTo(200);
        }
    }

    @Test
    void pathsMethodsAndKeysThatAreWrongAreErrorsInShape() {
        List<String> faults = new ArrayList<>();
        BadInputs.check(faults, "unknown path under /v1", 404, authorised().get("/v1/nothing"));
        BadInputs.check(faults, "unknown path", 404, given().get("/nothing/at/all"));
        BadInputs.check(
                faults, "dots", 0, authorised().urlEncodingEnabled(false).get("/v1/models/..%2f..%2fetc%2fpasswd"));
        BadInputs.check(
                faults,
                "NUL in a path",
                0,
                authorised().urlEncodingEnabled(false).get("/v1/models/a%00b"));
        BadInputs.check(
                faults,
                "newline in a path",
                0,
                authorised().urlEncodingEnabled(false).get("/v1/models/a%0d%0ab"));
        BadInputs.check(
                faults,
                "half a code in a path",
                0,
                authorised().urlEncodingEnabled(false).get("/v1/models/%ff%fe"));
        BadInputs.check(faults, "matrix", 0, given().urlEncodingEnabled(false).get("/v1;x=1/models"));
        BadInputs.check(
                faults, "double slash", 0, given().urlEncodingEnabled(false).get("//v1/models"));
        BadInputs.check(faults, "long path", 0, authorised().get("/v1/models/" + "m".repeat(3000)));
        BadInputs.check(faults, "GET on chat", 405, authorised().get("/v1/chat/completions"));
        BadInputs.check(faults, "DELETE on models", 405, authorised().delete("/v1/models"));
        BadInputs.check(faults, "PATCH on chat", 405, authorised().body("{}").patch("/v1/chat/completions"));
        BadInputs.check(faults, "no key", 401, given().get("/v1/models"));
        for (String value : List.of(
                "Bearer",
                "Bearer ",
                "Basic eDp5",
                "Bearer " + "k".repeat(5000),
                "Bearer alt_x_y",
                "Bearer ey.ey.ey",
                "Bearer \u00e9")) {
            BadInputs.check(
                    faults,
                    "key " + value,
                    401,
                    given().header("Authorization", value).get("/v1/models"));
        }
        for (String accept : List.of("text/event-stream", "application/binary", "image/png", "*/*", "nonsense")) {
            Response models = authorised().header("Accept", accept).get("/v1/models");
            if (models.statusCode() != 200) {
                faults.add("Accept " + accept + " on models: " + models.statusCode());
            }
        }
        assertThat(faults).isEmpty();
    }

    @Test
    void theAdminApiForModelsRefusesEveryBadBody() {
        List<String> faults = new ArrayList<>();
        BadInputs.notJson()
                .forEach(
                        (name, body) -> BadInputs.check(faults, "body: " + name, 400, admin(body, "application/json")));
        for (String body : List.of(
                "{}",
                "{\"id\": null, \"licence\": null}",
                "{\"id\": 5, \"licence\": \"llama-3.1\"}",
                "{\"id\": \"../../etc\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"..\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"a/b\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"a\\u0000b\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"a'; DROP TABLE model; --\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"" + "m".repeat(100_000) + "\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"not-there\", \"licence\": \"llama-3.1\"}",
                "{\"id\": \"not-there\", \"licence\": \"none\"}",
                "{\"id\": \"not-there\", \"licence\": \"llama-3.1\", \"pool\": \"Not A Label\"}",
                "{\"id\": \"not-there\", \"licence\": \"llama-3.1\", \"base_model\": \"nobody\"}",
                "{\"id\": \"not-there\", \"licence\": \"llama-3.1\", \"owner_tenant\": \"acme\"}")) {
            BadInputs.check(faults, body, 400, admin(body.getBytes(StandardCharsets.UTF_8), "application/json"));
        }
        BadInputs.check(faults, "type", 415, admin("{}".getBytes(StandardCharsets.UTF_8), "text/plain"));
        BadInputs.check(faults, "none", 401, given().get("/admin/v1/models"));
        BadInputs.check(
                faults,
                "broken token",
                401,
                given().header("Authorization", "Bearer ey.ey.ey").get("/admin/v1/models"));
        BadInputs.check(
                faults, "auditor", 403, AdminApi.as("auditor").body("{}").post("/admin/v1/models"));
        BadInputs.check(faults, "DELETE none", 404, AdminApi.as("admin").delete("/admin/v1/models/nobody"));
        BadInputs.check(
                faults,
                "DELETE NUL",
                404,
                AdminApi.as("admin").urlEncodingEnabled(false).delete("/admin/v1/models/a%00b"));
        BadInputs.check(
                faults,
                "restore NUL",
                404,
                AdminApi.as("admin").urlEncodingEnabled(false).post("/admin/v1/models/a%00b/restore"));
        BadInputs.check(
                faults,
                "usage NUL",
                404,
                AdminApi.as("admin").urlEncodingEnabled(false).get("/admin/v1/usage?tenant=%00"));
        BadInputs.check(
                faults,
                "grant NUL",
                404,
                AdminApi.as("officer-a")
                        .urlEncodingEnabled(false)
                        .delete("/admin/v1/tenants/acme/licence-grants/grt_%00" + "0".repeat(31)));
        BadInputs.check(faults, "PUT", 405, AdminApi.as("admin").body("{}").put("/admin/v1/models"));
        assertThat(faults).isEmpty();
    }

    @Test
    void aRequestIdThatCouldInjectIsReplaced() {
        Response sane = authorised().header("X-Request-Id", "abc-123").get("/v1/models");
        Response insane = authorised().header("X-Request-Id", "a b<script>").get("/v1/models");
        Response early = given().header("X-Request-Id", "abc-124").get("/nothing");

        assertThat(sane.header("x-request-id")).isEqualTo("abc-123");
        assertThat(insane.header("x-request-id")).startsWith("req_");
        assertThat(early.header("x-request-id")).isEqualTo("abc-124");
    }

    private RequestSpecification authorised() {
        return given().config(BadInputs.RAW).header("Authorization", "Bearer " + tenant.key());
    }

    private Response chat(byte[] body, String type) {
        return authorised().header("Content-Type", type).body(body).post("/v1/chat/completions");
    }

    private static Response admin(byte[] body, String type) {
        return given().config(BadInputs.RAW)
                .header(
                        "Authorization",
                        "Bearer " + GatewayTestResource.get().infra().token("admin"))
                .header("Content-Type", type)
                .body(body)
                .post("/admin/v1/models");
    }

    /** A job that is queued is the next one to come of this tenant, since the topic keeps the order. */
    private void assertNothingHappened() throws Exception {
        var asked = CompletableFuture.supplyAsync(() -> authorised()
                .contentType("application/json")
                .body(Served.chat(false))
                .post("/v1/chat/completions"));
        var job = peer.awaitJob(tenant.id());
        peer.answer(job, "the first");
        assertThat(asked.get().<String>path("choices[0].message.content")).isEqualTo("the first");
        assertThat(peer.countOfTenant(tenant.id())).isZero();
        assertThat(ledgerEntries(tenant.id())).isZero();
    }

    private static long ledgerEntries(String tenant) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT count(*) FROM ledger_entry WHERE tenant_id = '" + tenant + "'")) {
            rows.next();
            return rows.getLong(1);
        }
    }
}
