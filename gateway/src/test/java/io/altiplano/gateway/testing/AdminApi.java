package io.altiplano.gateway.testing;

import static io.restassured.RestAssured.given;

import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The admin API as tests use it, with real tokens of the demo users. */
public final class AdminApi {
    private static final SecureRandom RANDOM = new SecureRandom();

    private AdminApi() {}

    /** A request with a demo user's token. */
    public static RequestSpecification as(String user) {
        return given().header(
                        "Authorization",
                        "Bearer " + GatewayTestResource.get().infra().token(user))
                .contentType(ContentType.JSON);
    }

    /** A tenant's id that no other test uses. */
    public static String newId(String stem) {
        byte[] bytes = new byte[4];
        RANDOM.nextBytes(bytes);
        return stem + "-" + HexFormat.of().formatHex(bytes);
    }

    /** Registers a tenant under a new id; the id. */
    public static String newTenant(String stem, String tier) {
        String id = newId(stem);
        as("admin")
                .body(Map.of("id", id, "name", "Tenant " + id, "tier", tier))
                .post("/admin/v1/tenants")
                .then()
                .statusCode(201);
        return id;
    }

    /** Attests a tenant's monthly active users for Llama 3.1 in one product. */
    public static Response attest(String tenant, long users) {
        return as("officer-a")
                .body(Map.of(
                        "licence",
                        "llama-3.1",
                        "products",
                        List.of(Map.of("name", "app", "monthly_active_users", users, "month", "2024-06")),
                        "affiliates",
                        List.of(),
                        "signed_by",
                        "Ana Rojas"))
                .post("/admin/v1/tenants/" + tenant + "/attestations");
    }

    /** An API key of a test: its id, and the key itself. */
    public record Key(String id, String text) {}

    /** Makes an API key for a tenant. */
    public static Key newKey(String tenant) {
        Response response = as("admin").body(Map.of("name", "test")).post("/admin/v1/tenants/" + tenant + "/keys");
        response.then().statusCode(201);
        return new Key(response.path("id"), response.path("key"));
    }
}
