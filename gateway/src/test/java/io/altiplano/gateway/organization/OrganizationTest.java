package io.altiplano.gateway.organization;

import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.People.createKey;
import static io.altiplano.gateway.testing.People.person;
import static io.altiplano.gateway.testing.People.signUp;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A tenant from sign-up on: its projects, keys, lists and log, and nothing claimed by a body. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class OrganizationTest {
    private static final String ORGANIZATION = "/v1/organization";
    private static final String PROJECTS = ORGANIZATION + "/projects";
    private static final String USERS = ORGANIZATION + "/users";
    private static final String AUDIT = ORGANIZATION + "/audit_logs";
    private static final String KEYS = PROJECTS + "/default/api_keys";

    @Test
    void whoSignsUpOwnsAnEvaluationTenantAndItsFirstKeySpeaksForIt() {
        String id = newId("fresh");

        Response signedUp = person(id + "-ana")
                .body(Map.of("id", id, "name", "Fresh", "domicile", "CL", "registration_number", "cl-76.123.456-7"))
                .post(ORGANIZATION);

        signedUp.then()
                .statusCode(201)
                .body("object", equalTo("organization"))
                .body("tier", equalTo("evaluation"))
                .body("role", equalTo("owner"));
        person(id + "-ana").get(ORGANIZATION).then().statusCode(200).body("id", equalTo(id));
        person(id + "-ana")
                .get(USERS)
                .then()
                .body("data.id", equalTo(List.of(id + "-ana")))
                .body("data.role", equalTo(List.of("owner")));
        Response key = createKey(id + "-ana", "default");
        key.then()
                .header("cache-control", "no-store")
                .body("object", equalTo("organization.project.api_key"))
                .body("redacted_value", startsWith("alt_dev_"))
                .body("owner.user.id", equalTo(id + "-ana"));
        whoAmI(key.path("value")).then().statusCode(200).body("tenant", equalTo(id));
    }

    @Test
    void aTakenIdIsAConflictAndChangesNoMembership() {
        String id = signUp("taken");

        Response again =
                person("intruder-" + id).body(Map.of("id", id, "name", "Mine")).post(ORGANIZATION);

        again.then().statusCode(409).body("error.code", equalTo("tenant_exists"));
        person("intruder-" + id).get(ORGANIZATION).then().statusCode(403).body("error.code", equalTo("no_membership"));
    }

    @Test
    void nobodyOwnsMoreThanFiveTenantsBySignUp() throws Exception {
        String greedy = newId("greedy");
        CyclicBarrier together = new CyclicBarrier(10);
        List<Future<Integer>> all = new ArrayList<>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 10; i++) {
                all.add(threads.submit(() -> {
                    together.await();
                    return person(greedy)
                            .body(Map.of("id", newId("many"), "name", "Many"))
                            .post(ORGANIZATION)
                            .statusCode();
                }));
            }
        }

        List<Integer> statuses = new ArrayList<>();
        for (Future<Integer> one : all) {
            statuses.add(one.get());
        }
        assertThat(statuses).containsOnly(201, 403);
        assertThat(Collections.frequency(statuses, 201)).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "POST | /v1/organization                       | {\"id\":\"x\",\"name\":\"x\",\"tier\":\"partner\"}       | tier",
                "POST | /v1/organization                       | {\"id\":\"x\",\"name\":\"x\",\"role\":\"owner\"}         | role",
                "POST | /v1/organization                       | {\"id\":\"x\",\"name\":\"x\",\"owner\":\"y\"}            | owner",
                "POST | /v1/organization/projects              | {\"name\":\"x\",\"tenant\":\"acme\"}                     | tenant",
                "POST | /v1/organization/projects/default      | {\"name\":\"x\",\"tenant_id\":\"acme\"}                  | tenant_id",
                "POST | /v1/organization/projects/default/api_keys | {\"name\":\"x\",\"role\":\"owner\"}                  | role",
                "POST | /v1/organization/projects/default/api_keys | {\"name\":\"x\",\"project\":\"other\"}               | project",
                "POST | /v1/organization/projects/default/api_keys | {\"name\":\"x\",\"tier\":\"partner\"}                | tier",
                "POST | /v1/organization/users                 | {\"subject\":\"x\",\"role\":\"viewer\",\"tenant\":\"a\"} | tenant",
                "POST | /v1/organization/users                 | {\"subject\":\"x\",\"role\":\"platform-admin\"}          | role",
                "POST | /v1/organization/projects              | {\"name\":\"x\",\"id\":\"../x\"}                         | id"
            })
    void aBodyCannotClaimATenantATierOrARole(String method, String path, String body, String param) {
        String id = signUp("claims");

        Response answer = person(id).body(body).request(method, path);

        answer.then().statusCode(400).body("error.param", equalTo(param));
    }

    @Test
    void anArchivedProjectsKeysAreRefusedWithinASecondAndTheDefaultOneStays() {
        String id = signUp("archive");
        String project = person(id).body(Map.of("name", "Trial")).post(PROJECTS).path("id");
        String key = createKey(id, project).path("value");
        whoAmI(key).then().statusCode(200).body("project", equalTo(project));

        person(id)
                .post(PROJECTS + "/" + project + "/archive")
                .then()
                .statusCode(200)
                .body("status", equalTo("archived"));
        long archived = System.nanoTime();

        while (whoAmI(key).statusCode() != 401) {
            assertThat(Duration.ofNanos(System.nanoTime() - archived)).isLessThan(Duration.ofSeconds(1));
        }
        person(id)
                .body(Map.of("name", "x"))
                .post(PROJECTS + "/" + project + "/api_keys")
                .then()
                .statusCode(404);
        person(id)
                .post(PROJECTS + "/default/archive")
                .then()
                .statusCode(409)
                .body("error.code", equalTo("default_project_stays"));
        person(id).get(PROJECTS).then().body("data.id", equalTo(List.of("default")));
        person(id).get(PROJECTS + "?include_archived=true").then().body("data.id", hasItem(project));
    }

    @Test
    void aDeletedKeyIsRefusedWithinASecondAndNoLongerListed() {
        String id = signUp("delete");
        Response key = createKey(id, "default");
        whoAmI(key.path("value")).then().statusCode(200);

        person(id)
                .delete(KEYS + "/" + key.path("id"))
                .then()
                .statusCode(200)
                .body("object", equalTo("organization.project.api_key.deleted"));
        long deleted = System.nanoTime();

        while (whoAmI(key.path("value")).statusCode() != 401) {
            assertThat(Duration.ofNanos(System.nanoTime() - deleted)).isLessThan(Duration.ofSeconds(1));
        }
        person(id).get(KEYS).then().body("data", equalTo(List.of()));
        person(id).get(KEYS + "/" + key.path("id")).then().statusCode(404);
    }

    @Test
    void theAuditLogHoldsTheTenantsOwnActsNewestFirstAndNoSecret() {
        String id = signUp("audited");
        String other = signUp("unseen");
        Response key = createKey(id, "default");
        String rotated = person(id)
                .body(Map.of("overlap_seconds", 60))
                .post(KEYS + "/" + key.path("id") + "/rotate")
                .path("value");
        createKey(other, "default");

        List<String> types = new ArrayList<>();
        StringBuilder all = new StringBuilder();
        @Nullable String after = null;
        do {
            Response page = person(id).get(AUDIT + "?limit=2" + (after == null ? "" : "&after=" + after));
            page.then().statusCode(200).body("object", equalTo("list"));
            List<String> some = page.jsonPath().getList("data.type");
            types.addAll(some);
            all.append(page.asString());
            after = page.<Boolean>path("has_more") ? page.path("last_id") : null;
        } while (after != null);

        assertThat(types).containsExactly("api_key.rotate", "api_key.create", "member.add", "tenant.sign_up");
        assertThat(all).contains(key.<String>path("id")).doesNotContain(other);
        for (String secret : List.of(key.<String>path("value"), rotated)) {
            assertThat(all).doesNotContain(secret).doesNotContain(secret.substring("alt_dev_12345678_".length()));
        }
        String theirs = person(other).get(AUDIT).path("first_id");
        Response foreign = person(id).get(AUDIT + "?after=" + theirs);
        Response missing = person(id).get(AUDIT + "?after=audit_log-" + "0".repeat(64));
        foreign.then().statusCode(400).body("error.param", equalTo("after"));
        assertThat(foreign.asString()).isEqualTo(missing.asString());
    }

    @Test
    void listsComeInPartsByAfterAndLimit() {
        String id = signUp("pages");
        for (String name : List.of("a", "b", "c")) {
            person(id)
                    .body(Map.of("name", name, "id", name))
                    .post(PROJECTS)
                    .then()
                    .statusCode(201);
        }

        Response first = person(id).get(PROJECTS + "?limit=3");
        Response second = person(id).get(PROJECTS + "?limit=3&after=" + first.path("last_id"));

        first.then()
                .body("data.id", equalTo(List.of("default", "a", "b")))
                .body("first_id", equalTo("default"))
                .body("has_more", equalTo(true));
        second.then().body("data.id", equalTo(List.of("c"))).body("has_more", equalTo(false));
        person(id).get(KEYS).then().body("first_id", nullValue()).body("last_id", nullValue());
        person(id).get(PROJECTS + "?after=nothing").then().statusCode(400).body("error.param", equalTo("after"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "101", "-1", "x", "1e1", "99999999999"})
    void aLimitThatIsNoneIsRefused(String limit) {
        String id = signUp("limit");

        Response answer = person(id).get(USERS + "?limit=" + limit);

        answer.then().statusCode(400).body("error.param", equalTo("limit"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"%00", "..%2f..%2fetc", "x%0d%0ay", "%F0%9F%98%80", "' OR '1'='1"})
    void idsThatCanBeNoneAreMissing(String id) {
        String tenant = signUp("odd");

        for (String path : List.of(PROJECTS + "/", KEYS + "/", USERS + "/")) {
            Response answer = person(tenant).urlEncodingEnabled(false).get(path + id.replace(" ", "%20"));
            answer.then().statusCode(404).body("error.message", not(equalTo("")));
        }
    }

    private static Response whoAmI(String key) {
        return given().header("Authorization", "Bearer " + key).get("/v1/test/whoami");
    }
}
