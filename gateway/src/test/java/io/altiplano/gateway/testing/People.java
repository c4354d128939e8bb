package io.altiplano.gateway.testing;

import static io.restassured.RestAssured.given;

import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/** Persons of tests: any subject, with a token signed by a key that the gateway trusts. */
public final class People {
    private static final String KEY = "people";

    private People() {}

    /** A request with the token of a person; its name is its subject. */
    public static RequestSpecification person(String subject, String... realmRoles) {
        return given().header("Authorization", "Bearer " + token(subject, realmRoles))
                .contentType(ContentType.JSON);
    }

    /** The token of a person. */
    public static synchronized String token(String subject, String... realmRoles) {
        SigningKeys keys = GatewayTestResource.get().signingKeys();
        if (!keys.has(KEY)) {
            keys.add(KEY);
        }
        long now = Instant.now().getEpochSecond();
        String roles = Arrays.stream(realmRoles).map(r -> '"' + r + '"').collect(Collectors.joining(","));
        return keys.sign(KEY, """
                {"iss":"%s","aud":"altiplano","sub":"%s","preferred_username":"%s","typ":"Bearer",
                 "iat":%d,"exp":%d,"realm_access":{"roles":[%s]}}""".formatted(
                        GatewayTestResource.get().infra().issuer(), subject, subject, now - 1, now + 600, roles));
    }

    /** Makes a person a member of a tenant, as the operator does. */
    public static void join(String tenant, String subject, String role) {
        AdminApi.as("admin")
                .body(Map.of("subject", subject, "role", role))
                .post("/admin/v1/tenants/" + tenant + "/members")
                .then()
                .statusCode(201);
    }

    /** Signs a person up whose subject is the tenant's id; the id. */
    public static String signUp(String stem) {
        String id = AdminApi.newId(stem);
        person(id)
                .body(Map.of("id", id, "name", "Tenant " + id))
                .post("/v1/organization")
                .then()
                .statusCode(201);
        return id;
    }

    /** Makes an API key as a member; the answer with its secret. */
    public static Response createKey(String subject, String project) {
        Response made =
                person(subject).body(Map.of("name", "k")).post("/v1/organization/projects/" + project + "/api_keys");
        made.then().statusCode(201);
        return made;
    }
}
