package io.altiplano.gateway.testing;

import static io.restassured.RestAssured.given;

import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
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

    /** A registration number that no other test uses. */
    public static String newNumber() {
        return "CL-" + newId("R").substring(2).toUpperCase(Locale.ROOT);
    }

    /** Registers a tenant, a legal entity of its own, under a new id; the id. */
    public static String newTenant(String stem, String tier) {
        return newTenant(stem, tier, newNumber());
    }

    /** Registers a tenant of a legal entity under a new id; the id. */
    public static String newTenant(String stem, String tier, String registrationNumber) {
        String id = newId(stem);
        as("admin")
                .body(Map.of("id", id, "name", "Tenant " + id, "tier", tier, "registration_number", registrationNumber))
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

    /** Uploads a document of a tenant; its id. */
    public static String document(String tenant, String user, String content) {
        return as(user).contentType("application/pdf")
                .body(content.getBytes(StandardCharsets.UTF_8))
                .post("/admin/v1/tenants/" + tenant + "/documents?name=letter.pdf")
                .then()
                .statusCode(201)
                .extract()
                .path("id");
    }

    /** Records Meta's grant for Llama 3.1: 202 with what a second officer must approve. */
    public static Response grant(String tenant, String user) {
        return as(user).body(Map.of(
                        "licences",
                        List.of("llama-3.1"),
                        "document",
                        "Letter of Meta Platforms, 2026-01-15",
                        "document_id",
                        document(tenant, user, "Meta grants " + tenant + " a licence."),
                        "date",
                        "2026-01-15"))
                .post("/admin/v1/tenants/" + tenant + "/licence-grants");
    }

    /** Approves what an answer says is waiting, as it says it is. */
    public static Response approve(String user, Response proposed) {
        return as(user).body(Map.of("content_hash", proposed.path("content_hash")))
                .post("/admin/v1/approvals/" + proposed.path("approval") + "/approve");
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
