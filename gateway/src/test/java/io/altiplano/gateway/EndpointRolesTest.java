package io.altiplano.gateway;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.AdminApi.Key;
import io.altiplano.gateway.testing.EndpointTable;
import io.altiplano.gateway.testing.EndpointTable.Operation;
import io.altiplano.gateway.testing.EndpointTable.Row;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.People;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.specification.RequestSpecification;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every endpoint of the OpenAPI document asked by everyone: the table {@code endpoint-roles.csv} says what each is answered. An
 * endpoint without a row and a row without an endpoint fail. "Own" and "other" are tenants; what a path names is the own
 * tenant's, made anew for each request, so that a 404 is a refusal and not an absence; bodies are empty objects, so that 400
 * means let in and looked at.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class EndpointRolesTest {
    private static final String ORGANIZATION = "/v1/organization";

    private static @Nullable Map<String, String> tokens;
    private static String own = "";

    @Test
    void everyOperationHasARowAndEveryRowAnOperation() {
        Set<Operation> document = document();

        List<String> faults = EndpointTable.differences(document, EndpointTable.read());

        assertThat(document).hasSizeGreaterThan(40);
        assertThat(faults).isEmpty();
    }

    @Test
    void aRowTakenAwayOrMadeUpIsFound() {
        Set<Operation> document = document();
        List<Row> rows = EndpointTable.read();

        for (Row row : rows) {
            List<Row> fewer = new ArrayList<>(rows);
            fewer.remove(row);
            assertThat(EndpointTable.differences(document, fewer))
                    .singleElement()
                    .asString()
                    .contains(row.operation().toString());
        }
        List<Row> more = new ArrayList<>(rows);
        more.add(new Row(new Operation("GET", "/v1/made-up"), Map.of()));
        assertThat(EndpointTable.differences(document, more))
                .singleElement()
                .asString()
                .contains("/v1/made-up");
    }

    @ParameterizedTest
    @MethodSource("rows")
    void eachIsAnsweredWhatTheTableSays(Row row) {
        Row seen = new Row(row.operation(), askAll(row.operation()));

        assertThat(row.faults(seen.answers())).as("seen: %s", seen.csv()).isEmpty();
    }

    @Test
    void anAnswerThatTheTableDoesNotSayIsFound() {
        Operation tenants = new Operation("GET", "/admin/v1/tenants");
        Map<String, String> open = new LinkedHashMap<>(askAll(tenants));
        open.put("anonymous", "2xx");

        List<String> faults = new Row(tenants, open).faults(askAll(tenants));

        assertThat(faults).containsExactly("anonymous: 401 and not 2xx");
    }

    static List<Row> rows() {
        return EndpointTable.read();
    }

    private static Set<Operation> document() {
        return EndpointTable.operations(OpenApiDocumentTest.ofTheClasses().getMap("paths"));
    }

    private static Map<String, String> askAll(Operation operation) {
        Map<String, String> answers = new LinkedHashMap<>();
        for (String role : EndpointTable.ROLES) {
            String token = tokens().getOrDefault(role, "");
            RequestSpecification request = given().redirects().follow(false);
            if (!token.isEmpty()) {
                request.header("Authorization", "Bearer " + token);
            }
            if (!operation.method().equals("GET")) {
                request.contentType(ContentType.JSON).body("{}");
            }
            answers.put(
                    role,
                    EndpointTable.answer(request.request(operation.method(), path(operation.path()))
                            .statusCode()));
        }
        return answers;
    }

    /** With things of the own tenant, made for this one request, in the places of the parameters. */
    private static String path(String template) {
        String path = template.replace("{tenant}", own);
        if (template.startsWith(ORGANIZATION)) {
            if (template.contains("{project}")) {
                String project = newId("p");
                person(owner())
                        .body(Map.of("id", project, "name", "Made for one request"))
                        .post(ORGANIZATION + "/projects")
                        .then()
                        .statusCode(201);
                path = path.replace("{project}", project);
                if (template.contains("{key}")) {
                    String key = person(owner())
                            .body(Map.of("name", "made for one request"))
                            .post(ORGANIZATION + "/projects/" + project + "/api_keys")
                            .path("id");
                    path = path.replace("{key}", key);
                }
            }
            if (template.contains("{user}")) {
                String user = newId("user");
                join(own, user, "viewer");
                path = path.replace("{user}", user);
            }
        } else if (template.startsWith("/admin/v1/keys/")) {
            path = path.replace("{id}", newKey(own).id());
        } else if (template.startsWith("/admin/v1/tenants/{id}")) {
            path = path.replace("{id}", own);
        } else if (template.startsWith("/v1/models/")) {
            path = path.replace("{id}", Served.MODEL);
        } else if (template.endsWith("/members/{subject}")) {
            String user = newId("user");
            join(own, user, "viewer");
            path = path.replace("{subject}", user);
        }
        return path.replaceAll("\\{[^}]*}", "nothing");
    }

    private static String owner() {
        return own + "-owner";
    }

    private static synchronized Map<String, String> tokens() {
        if (tokens != null) {
            return tokens;
        }
        Served.model();
        own = signUp("own");
        String other = signUp("other");
        join(own, own + "-viewer", "viewer");
        join(own, own + "-developer", "developer");
        Key revoked = newKey(own);
        as("admin").delete("/admin/v1/keys/" + revoked.id()).then().statusCode(200);
        Map<String, String> all = new LinkedHashMap<>();
        all.put("anonymous", "");
        all.put("revoked_key", revoked.text());
        all.put("own_key", newKey(own).text());
        all.put("other_key", newKey(other).text());
        all.put("viewer", People.token(own + "-viewer"));
        all.put("developer", People.token(own + "-developer"));
        all.put("owner", People.token(owner()));
        all.put("other_owner", People.token(other + "-owner"));
        all.put("platform_admin", GatewayTestResource.get().infra().token("admin"));
        all.put("licence_officer", GatewayTestResource.get().infra().token("officer-a"));
        all.put("auditor", GatewayTestResource.get().infra().token("auditor"));
        assertThat(all.keySet()).containsExactlyElementsOf(EndpointTable.ROLES);
        tokens = all;
        return tokens;
    }

    private static String signUp(String stem) {
        String id = newId(stem);
        person(id + "-owner")
                .body(Map.of("id", id, "name", "Tenant " + id))
                .post(ORGANIZATION)
                .then()
                .statusCode(201);
        return id;
    }
}
