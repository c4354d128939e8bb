package io.altiplano.gateway.organization;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.People.createKey;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.altiplano.gateway.testing.People.signUp;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.not;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** A tenant's people, each as what its membership says, and nothing of another tenant. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class OrganizationUsersTest {
    private static final String ORGANIZATION = "/v1/organization";
    private static final String PROJECTS = ORGANIZATION + "/projects";
    private static final String USERS = ORGANIZATION + "/users";
    private static final String AUDIT = ORGANIZATION + "/audit_logs";
    private static final String KEYS = PROJECTS + "/default/api_keys";

    @Test
    void aTokensOwnClaimOfATenantOrRoleIsNothing() {
        String id = signUp("claimed");

        Response answer = person("stranger-" + id, "tenant-owner")
                .header(CurrentMember.HEADER, id)
                .get(ORGANIZATION);

        answer.then().statusCode(404).body("error.code", equalTo("tenant_not_found"));
    }

    @Test
    void viewersReadDevelopersManageKeysOwnersAll() {
        String id = signUp("roles");
        join(id, id + "-viewer", "viewer");
        join(id, id + "-dev", "developer");

        for (String path : List.of(ORGANIZATION, PROJECTS, USERS, KEYS, AUDIT)) {
            person(id + "-viewer").get(path).then().statusCode(200);
        }
        person(id + "-viewer").body(Map.of("name", "x")).post(KEYS).then().statusCode(403);
        person(id + "-dev").body(Map.of("name", "x")).post(KEYS).then().statusCode(201);
        person(id + "-dev").body(Map.of("name", "x")).post(PROJECTS).then().statusCode(403);
        person(id + "-dev")
                .body(Map.of("subject", "x", "role", "viewer"))
                .post(USERS)
                .then()
                .statusCode(403)
                .body("error.code", equalTo("insufficient_role"));
        person(id + "-dev")
                .body(Map.of("role", "owner"))
                .post(USERS + "/" + id + "-dev")
                .then()
                .statusCode(403);
    }

    @Test
    void whatIsAnotherTenantsAnswersByteForByteAsWhatIsMissing() {
        String mine = signUp("mine");
        String other = signUp("other");
        String otherProject = newId("proj");
        person(other)
                .body(Map.of("name", "P", "id", otherProject))
                .post(PROJECTS)
                .then()
                .statusCode(201);
        String otherKey = createKey(other, otherProject).path("id");
        join(other, other + "-dev", "developer");
        String missingKey = "key_" + "0".repeat(32);
        String ownKey = createKey(mine, "default").path("id");

        record Pair(String method, String theirs, String missing, String body) {}
        List<Pair> pairs = List.of(
                new Pair("GET", PROJECTS + "/" + otherProject, PROJECTS + "/nothing", ""),
                new Pair("POST", PROJECTS + "/" + otherProject, PROJECTS + "/nothing", "{\"name\":\"x\"}"),
                new Pair("POST", PROJECTS + "/" + otherProject + "/archive", PROJECTS + "/nothing/archive", ""),
                new Pair("GET", PROJECTS + "/" + otherProject + "/api_keys", PROJECTS + "/nothing/api_keys", ""),
                new Pair("GET", KEYS + "/" + otherKey, KEYS + "/" + missingKey, ""),
                new Pair("DELETE", KEYS + "/" + otherKey, KEYS + "/" + missingKey, ""),
                new Pair(
                        "POST",
                        KEYS + "/" + otherKey + "/rotate",
                        KEYS + "/" + missingKey + "/rotate",
                        "{\"overlap_seconds\":1}"),
                new Pair("GET", USERS + "/" + other + "-dev", USERS + "/nobody", ""),
                new Pair("POST", USERS + "/" + other + "-dev", USERS + "/nobody", "{\"role\":\"owner\"}"),
                new Pair("DELETE", USERS + "/" + other + "-dev", USERS + "/nobody", ""));
        for (Pair pair : pairs) {
            Response theirs = send(mine, pair.method(), pair.theirs(), pair.body());
            Response missing = send(mine, pair.method(), pair.missing(), pair.body());

            assertThat(theirs.statusCode()).as(pair.theirs()).isEqualTo(404);
            assertThat(neutral(theirs, otherProject, otherKey))
                    .as(pair.theirs())
                    .isEqualTo(neutral(missing, "nothing", missingKey));
        }
        Response theirs = person(mine).header(CurrentMember.HEADER, other).get(ORGANIZATION);
        Response missing = person(mine).header(CurrentMember.HEADER, "nothing").get(ORGANIZATION);
        assertThat(theirs.statusCode()).isEqualTo(404);
        assertThat(neutral(theirs, other, "-")).isEqualTo(neutral(missing, "nothing", "-"));
        person(other)
                .get(PROJECTS + "/" + otherProject + "/api_keys/" + otherKey)
                .then()
                .statusCode(200);
        person(mine).get(KEYS + "/" + ownKey).then().statusCode(200);
    }

    @Test
    void theLastOwnerStaysAlsoWhenTwoRemoveEachOther() throws Exception {
        String id = signUp("last");
        person(id).delete(USERS + "/" + id).then().statusCode(409).body("error.code", equalTo("last_owner"));
        person(id).body(Map.of("role", "viewer")).post(USERS + "/" + id).then().statusCode(409);

        join(id, id + "-second", "owner");
        CyclicBarrier together = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            threads.submit(() -> {
                together.await();
                return person(id).delete(USERS + "/" + id + "-second").statusCode();
            });
            threads.submit(() -> {
                together.await();
                return person(id + "-second").delete(USERS + "/" + id).statusCode();
            });
        }

        List<String> owners = as("auditor")
                .get("/admin/v1/tenants/" + id + "/members")
                .jsonPath()
                .getList("data.findAll { it.role == 'owner' }.subject");
        assertThat(owners).hasSize(1);
    }

    @Test
    void aRemovedMemberIsOutAtOnceAndAChangedRoleCountsAtOnce() {
        String id = signUp("moves");
        person(id)
                .body(Map.of("subject", id + "-bo", "role", "developer", "name", "Bo"))
                .post(USERS)
                .then()
                .statusCode(201)
                .body("object", equalTo("organization.user"))
                .body("name", equalTo("Bo"));
        person(id)
                .body(Map.of("subject", id + "-bo", "role", "viewer"))
                .post(USERS)
                .then()
                .statusCode(409);

        createKey(id + "-bo", "default");
        person(id)
                .body(Map.of("role", "viewer"))
                .post(USERS + "/" + id + "-bo")
                .then()
                .statusCode(200);
        person(id + "-bo").body(Map.of("name", "x")).post(KEYS).then().statusCode(403);
        person(id).delete(USERS + "/" + id + "-bo").then().statusCode(200).body("deleted", equalTo(true));
        person(id + "-bo").get(ORGANIZATION).then().statusCode(403).body("error.code", equalTo("no_membership"));
    }

    @Test
    void aMemberOfSeveralTenantsNamesOneInTheHeader() {
        String first = signUp("several");
        String second = newId("several");
        person(first)
                .body(Map.of("id", second, "name", "Second"))
                .post(ORGANIZATION)
                .then()
                .statusCode(201);

        Response unnamed = person(first).get(ORGANIZATION);
        Response named = person(first).header(CurrentMember.HEADER, second).get(ORGANIZATION);

        unnamed.then()
                .statusCode(400)
                .body("error.code", equalTo("organization_required"))
                .body("error.message", containsString(second));
        named.then().statusCode(200).body("id", equalTo(second));
    }

    @Test
    void anApiKeyAndNobodyAreNoMembers() {
        String id = signUp("nokey");
        String key = createKey(id, "default").path("value");

        Response byKey = given().header("Authorization", "Bearer " + key).get(PROJECTS);
        Response byNobody = given().get(PROJECTS);

        byKey.then().statusCode(401).body("error.code", equalTo("invalid_token"));
        byNobody.then()
                .statusCode(401)
                .body("error.code", equalTo("invalid_token"))
                .body(not(containsString(id)));
    }

    private static Response send(String subject, String method, String path, String body) {
        var request = person(subject);
        return (body.isEmpty() ? request : request.body(body)).request(method, path);
    }

    /** An answer without what was asked for and the request's id. */
    private static String neutral(Response answer, String one, String two) {
        return answer.statusCode() + answer.asString().replace(one, "ID").replace(two, "ID");
    }
}
