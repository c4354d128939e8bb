package io.altiplano.gateway.tenant;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newId;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class TenantsResourceTest {
    @Test
    void aNewTenantIsShownAloneAndInTheListWithoutItsSalt() {
        String id = newId("acme");

        var created = as("admin")
                .body(Map.of("id", id, "name", "Acme", "tier", "community", "domicile", "CL"))
                .post("/admin/v1/tenants");

        created.then().statusCode(201).body("id", equalTo(id)).body("domicile", equalTo("CL"));
        as("auditor")
                .get("/admin/v1/tenants/" + id)
                .then()
                .statusCode(200)
                .body("object", equalTo("tenant"))
                .body("tier", equalTo("community"))
                .body("created_at", notNullValue())
                .body(not(containsString("salt")));
        as("officer-a").get("/admin/v1/tenants").then().statusCode(200).body("data.id", hasItem(id));
    }

    @Test
    void aTakenIdIsAConflictThatClientsDoNotRetry() {
        String id = newTenant("twice", "partner");

        var again = as("admin")
                .body(Map.of("id", id, "name", "Other", "tier", "partner"))
                .post("/admin/v1/tenants");

        again.then()
                .statusCode(409)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("tenant_exists"))
                .body("error.type", equalTo("invalid_request_error"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nobody", "No-Capitals", "a--", "%00", "a%20b", "..%2f"})
    void aTenantThatIsNotThereIsNotFound(String id) {
        var answer = as("admin").urlEncodingEnabled(false).get("/admin/v1/tenants/" + id);

        answer.then().statusCode(404).body("error.message", notNullValue()).body("error.param", nullValue());
    }

    @Test
    void withoutATokenNothingIsShown() {
        var answer = given().get("/admin/v1/tenants");

        answer.then()
                .statusCode(401)
                .contentType(ContentType.JSON)
                .body("error.code", equalTo("invalid_token"))
                .body("error.type", equalTo("invalid_request_error"));
    }

    @ParameterizedTest
    @CsvSource({
        "garbage",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwicmVhbG1fYWNjZXNzIjp7InJvbGVzIjpbImFkbWluIl19fQ.",
        "alt_abcdEFGH_0123456789ABCDEFGHIJKLMNOPQRSTUV000000"
    })
    void aBadTokenIsUnauthorized(String token) {
        var answer = given().header("Authorization", "Bearer " + token).get("/admin/v1/tenants");

        answer.then().statusCode(401).contentType(ContentType.JSON).body("error.code", equalTo("invalid_token"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"auditor", "officer-a", "acme-owner"})
    void onlyAnAdministratorRegistersTenants(String user) {
        var answer = as(user).body(Map.of("id", newId("no"), "name", "No", "tier", "community"))
                .post("/admin/v1/tenants");

        answer.then().statusCode(403).body("error.code", equalTo("insufficient_role"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"id\":\"x\",\"name\":\"x\"} | tier | missing_field",
                "{\"id\":\"X!\",\"name\":\"x\",\"tier\":\"community\"} | id | invalid_value",
                "{\"id\":\"x\",\"name\":\"\",\"tier\":\"community\"} | name | invalid_value",
                "{\"id\":\"x\",\"name\":\"a\\u0000b\",\"tier\":\"community\"} | name | invalid_value",
                "{\"id\":\"x\",\"name\":7,\"tier\":\"community\"} | name | invalid_value",
                "{\"id\":\"x\",\"name\":\"x\",\"tier\":\"gold\"} | tier | invalid_value",
                "{\"id\":\"x\",\"name\":\"x\",\"tier\":\"community\",\"domicile\":\"Chile\"} | domicile | invalid_value",
                "{\"id\":\"x\",\"name\":\"x\",\"tier\":\"community\",\"role\":\"admin\"} | role | unknown_field"
            })
    void aBadFieldIsNamed(String body, String param, String code) {
        var answer = as("admin").body(body).post("/admin/v1/tenants");

        answer.then()
                .statusCode(400)
                .body("error.param", equalTo(param))
                .body("error.code", equalTo(code))
                .body("error.type", equalTo("invalid_request_error"));
    }

    @Test
    void anUnpairedSurrogateIsRefused() {
        var answer = as("admin")
                .body("{\"id\":\"x\",\"name\":\"\\ud800\",\"tier\":\"community\"}")
                .post("/admin/v1/tenants");

        answer.then().statusCode(400).body("error.type", equalTo("invalid_request_error"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{", "{\"id\":\"x\",\"id\":\"y\"}", "{}{}", "null"})
    void aBodyThatIsNoJsonObjectIsRefused(String body) {
        var answer = as("admin").body(body).post("/admin/v1/tenants");

        answer.then().statusCode(400).body("error.code", equalTo("invalid_json"));
    }
}
