package io.altiplano.gateway;

import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.BadInputs;
import io.altiplano.gateway.testing.EndpointTable;
import io.altiplano.gateway.testing.EndpointTable.Operation;
import io.altiplano.gateway.testing.EndpointTable.Row;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.People;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The list of bad input against every endpoint of the operator's and the organization's API, by the OpenAPI document: every
 * body, every field, every part of a path, every query parameter. The fields are learnt from the API's own errors, which name
 * what is missing and what is known; a field for which this test has no right value fails it, so that none is passed over.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AdminBadInputTest {
    private static final Pattern KNOWN = Pattern.compile("Known here: (.*)\\.");

    /** A right value of each field that some endpoint requires. */
    private static final Map<String, String> RIGHT = Map.ofEntries(
            Map.entry("id", "\"%s\""),
            Map.entry("name", "\"Name\""),
            Map.entry("tier", "\"community\""),
            Map.entry("reason", "\"because\""),
            Map.entry("evidence", "\"extract of the register\""),
            Map.entry("registration_number", "\"CL-1234567\""),
            Map.entry("content_hash", "\"" + "0".repeat(64) + "\""),
            Map.entry("licence", "\"llama-3.1\""),
            Map.entry("licences", "[\"llama-3.1\"]"),
            Map.entry("products", "[{\"name\": \"app\", \"monthly_active_users\": 5, \"month\": \"2024-06\"}]"),
            Map.entry("signed_by", "\"Ana Rojas\""),
            Map.entry("document", "\"Letter\""),
            Map.entry("document_id", "\"doc_00000000000000000000000000000000\""),
            Map.entry("date", "\"2026-01-15\""),
            Map.entry("filed_on", "\"2026-01-15\""),
            Map.entry("reference", "\"case 1\""),
            Map.entry("cause", "\"breach\""),
            Map.entry("uses", "[\"infer\"]"),
            Map.entry("requests_per_minute", "1000000"),
            Map.entry("tokens_per_minute", "1000000000"),
            Map.entry("concurrent", "10000"),
            Map.entry("tokens_per_month", "1000000000000"),
            Map.entry("max_tokens", "100000"),
            Map.entry("default_max_tokens", "1000"),
            Map.entry("weight", "1"),
            Map.entry("tenant", "\"nobody\""),
            Map.entry("job", "\"01920000-0000-7000-8000-000000000000\""),
            Map.entry("prompt_tokens", "10"),
            Map.entry("cached_tokens", "5"),
            Map.entry("completion_tokens", "10"),
            Map.entry("model", "\"*\""),
            Map.entry("prompt", "\"0.2\""),
            Map.entry("cached_prompt", "\"0.1\""),
            Map.entry("completion", "\"0.6\""),
            Map.entry("subject", "\"somebody\""),
            Map.entry("email", "\"somebody\""),
            Map.entry("user_id", "\"somebody\""),
            Map.entry("role", "\"viewer\""),
            Map.entry("overlap_seconds", "60"),
            Map.entry("reattestation_months", "12"),
            Map.entry("notice_days", "30"),
            Map.entry("grace_days", "30"),
            Map.entry("deny_after_grace", "true"),
            Map.entry("text", "\"said\""),
            Map.entry("outcome", "\"no_action\""),
            Map.entry("subject_kind", "\"model\""),
            Map.entry("subject_id", "\"somebody\""),
            Map.entry("category", "\"spam\""),
            Map.entry("description", "\"What happened.\""));

    private static String tenant = "";
    private static String sacrificed = "";
    private static String key = "";

    static Stream<Row> withBody() {
        return EndpointTable.read().stream()
                .filter(row -> !row.operation().method().equals("GET")
                        && !row.operation().method().equals("DELETE"))
                .filter(row -> !row.operation().path().startsWith("/v1/chat"));
    }

    @ParameterizedTest
    @MethodSource("withBody")
    void noBodyOfTheListBreaksAnEndpoint(Row row) {
        List<String> faults = new ArrayList<>();

        BadInputs.notJson().forEach((name, body) -> {
            Response response = send(row, body, "application/json");
            check(faults, name, response, takesJson(row) ? 400 : 0);
        });
        if (takesJson(row)) {
            check(faults, "type", send(row, "{}".getBytes(StandardCharsets.UTF_8), "text/plain"), 415);
        }

        assertThat(faults).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("withBody")
    void noValueOfAnyFieldBreaksAnEndpoint(Row row) {
        List<String> faults = new ArrayList<>();
        Map<String, String> right = new LinkedHashMap<>();
        Set<String> tried = new TreeSet<>();
        Response response = send(row, right);
        while ("missing_field".equals(code(response))) {
            String field = response.path("error.param");
            if (!tried.add(field)) {
                faults.add(field + " is missing though it was given");
                break;
            }
            fuzz(faults, row, right, field);
            if (!RIGHT.containsKey(field)) {
                faults.add("say in RIGHT what the field " + field + " may be");
                break;
            }
            // A plan that is made here is in force for the whole run: of a tier that nobody else tries.
            boolean plan = row.operation().path().equals("/admin/v1/tiers") && field.equals("tier");
            right.put(field, plan ? "\"integrated-product\"" : RIGHT.get(field).formatted(newId("fuzz")));
            response = send(row, right);
        }
        right.put("zzz", "1");
        Response unknown = send(row, right);
        right.remove("zzz");
        if ("unknown_field".equals(code(unknown))) {
            Matcher known = KNOWN.matcher(unknown.<String>path("error.message"));
            assertThat(known.find()).isTrue();
            for (String field : known.group(1).split(", ")) {
                if (tried.add(field)) {
                    fuzz(faults, row, right, field);
                }
            }
        }

        assertThat(faults).isEmpty();
    }

    @Test
    void theFieldsOfAnEndpointAreFound() {
        // What the test above rests on: an endpoint with required and optional fields names both.
        Row row = row("POST", "/admin/v1/tenants");

        assertThat(send(row, Map.of()).<String>path("error.param")).isEqualTo("id");
        assertThat(send(row, Map.of("id", "\"x\"", "name", "\"x\"", "tier", "\"community\"", "zzz", "1"))
                        .<String>path("error.message"))
                .contains("Known here: domicile, id, name, principal_place, registration_number, tier.");
    }

    @Test
    void noTextInAPathBreaksAnEndpoint() {
        List<String> faults = new ArrayList<>();
        int asked = 0;
        for (Row row : EndpointTable.read()) {
            String template = row.operation().path();
            Matcher place = Pattern.compile("\\{[^}]*}").matcher(template);
            while (place.find()) {
                for (String text : BadInputs.pathTexts()) {
                    String path =
                            path(template.substring(0, place.start())) + text + path(template.substring(place.end()));
                    Response response = given().config(BadInputs.RAW)
                            .urlEncodingEnabled(false)
                            .header("Authorization", "Bearer " + token(row))
                            .contentType("application/json")
                            .body("{}")
                            .request(row.operation().method(), path);
                    asked++;
                    check(faults, row.operation() + " " + text, response, 0);
                }
            }
        }

        assertThat(asked).isGreaterThan(300);
        assertThat(faults).isEmpty();
    }

    @Test
    void noQueryParameterBreaksAnEndpoint() {
        JsonPath document = OpenApiDocumentTest.ofTheClasses();
        Map<String, Map<String, Object>> paths = document.getMap("paths");
        List<String> faults = new ArrayList<>();
        int asked = 0;
        for (Row row : EndpointTable.read()) {
            Operation operation = row.operation();
            if (!operation.method().equals("GET")) {
                continue;
            }
            for (String name : queryParameters(paths.get(operation.path()), "get")) {
                for (String value : BadInputs.values()) {
                    String text = value.length() > 3000 ? value.substring(0, 3000) : value;
                    Response response = given().config(BadInputs.RAW)
                            .urlEncodingEnabled(false)
                            .header("Authorization", "Bearer " + token(row))
                            .get(path(operation.path()) + "?" + name + "="
                                    + URLEncoder.encode(text, StandardCharsets.UTF_8));
                    asked++;
                    check(faults, operation + " " + name + "=" + value, response, 0);
                }
            }
        }

        assertThat(asked).isGreaterThan(200);
        assertThat(faults).isEmpty();
    }

    private static List<String> queryParameters(@Nullable Map<String, Object> item, String method) {
        if (item == null) {
            return List.of();
        }
        List<String> names = new ArrayList<>();
        for (Object holder : Arrays.asList(item, item.get(method))) {
            if (holder instanceof Map<?, ?> map && map.get("parameters") instanceof List<?> list) {
                for (Object parameter : list) {
                    if (parameter instanceof Map<?, ?> p && "query".equals(p.get("in"))) {
                        names.add(String.valueOf(p.get("name")));
                    }
                }
            }
        }
        return names;
    }

    private static void fuzz(List<String> faults, Row row, Map<String, String> right, String field) {
        for (String value : BadInputs.values()) {
            Map<String, String> body = new LinkedHashMap<>(right);
            body.put(field, value);
            check(faults, field + ": " + value, send(row, body), 0);
        }
    }

    /** @param status the one expected; 0: any, for some of the list is right in some place, but no 5xx and errors in shape */
    private static void check(List<String> faults, String what, Response response, int status) {
        if (status == 0 && response.statusCode() < 400) {
            if (response.header("x-injected") != null) {
                faults.add(what + ": a header was injected");
            }
            return;
        }
        BadInputs.check(faults, what, status, response);
    }

    /** Whether the body is looked at: not where it is a file, is not read, or the thing is looked for first and is not there. */
    private static boolean takesJson(Row row) {
        String path = row.operation().path();
        return Stream.of(
                        "/documents",
                        "/restore",
                        "/archive",
                        "/submit",
                        "/propose",
                        "/replay",
                        "/approve",
                        "/approvals/{id}/reject",
                        "/users/{user}")
                .noneMatch(path::endsWith);
    }

    private static Response send(Row row, Map<String, String> fields) {
        StringBuilder body = new StringBuilder("{");
        fields.forEach((name, value) -> body.append(body.length() > 1 ? ", " : "")
                .append('"')
                .append(name)
                .append("\": ")
                .append(value));
        return send(row, body.append('}').toString().getBytes(StandardCharsets.UTF_8), "application/json");
    }

    private static Response send(Row row, byte[] body, String type) {
        return given().config(BadInputs.RAW)
                .header("Authorization", "Bearer " + token(row))
                .header("Content-Type", type)
                .body(body)
                .request(row.operation().method(), path(row.operation().path()));
    }

    private static String code(Response response) {
        return response.statusCode() < 400 ? "" : String.valueOf(response.<Object>path("error.code"));
    }

    private static Row row(String method, String path) {
        return EndpointTable.read().stream()
                .filter(r -> r.operation().equals(new Operation(method, path)))
                .findFirst()
                .orElseThrow();
    }

    /** The token of somebody whom the table lets in, the least powerful first. */
    private static String token(Row row) {
        Map<String, String> answers = row.answers();
        if (row.operation().path().startsWith("/v1/organization")) {
            return People.token(tenant());
        }
        if (row.operation().path().startsWith("/v1/abuse_reports")) {
            return key();
        }
        for (String role : List.of("licence_officer", "platform_admin")) {
            String answer = answers.get(role);
            if (answer != null && !answer.equals("403") && !answer.equals("401")) {
                return GatewayTestResource.get().infra().token(role.equals("platform_admin") ? "admin" : "officer-a");
            }
        }
        return People.token(tenant());
    }

    private static String path(String template) {
        boolean ends = template.matches(".*/(suspend|reinstate|tier|terminations.*|litigations.*)");
        String path = template.replace("{tenant}", ends ? sacrificed() : tenant());
        if (path.startsWith("/admin/v1/tenants/{id}")) {
            path = path.replace("{id}", tenant());
        }
        return path.replace("{project}", "default").replaceAll("\\{[^}]*}", "nothing");
    }

    /** The tenant whose rights end. */
    private static synchronized String sacrificed() {
        if (sacrificed.isEmpty()) {
            sacrificed = newTenant("sacrificed", "community");
        }
        return sacrificed;
    }

    /** An API key of the tenant. */
    private static synchronized String key() {
        if (key.isEmpty()) {
            key = newKey(tenant()).text();
        }
        return key;
    }

    private static synchronized String tenant() {
        if (tenant.isEmpty()) {
            tenant = People.signUp("fuzzed");
        }
        return tenant;
    }
}
