package io.altiplano.gateway.testing;

import java.util.List;
import java.util.Map;

/** One registered model, and tenants that may use it. */
public final class Served {
    /** The model's id. */
    public static final String MODEL = "llama-test";

    private Served() {}

    /** Puts the model into the store and registers it, once a run. */
    public static synchronized String model() {
        if (AdminApi.as("admin")
                .get("/admin/v1/models")
                .jsonPath()
                .getList("data.id")
                .contains(MODEL)) {
            return MODEL;
        }
        TestCheckpoint.write(GatewayTestResource.get().models(), MODEL);
        AdminApi.as("admin")
                .body(Map.of("id", MODEL, "licence", "llama-3.1"))
                .post("/admin/v1/models")
                .then()
                .statusCode(201);
        return MODEL;
    }

    /** A tenant that may call, with a key. */
    public record Tenant(String id, String key) {
        /** A new tenant of a tier, attested far below the threshold. */
        public static Tenant create(String tier) {
            String id = AdminApi.newTenant("caller", tier);
            AdminApi.attest(id, 1_200_000).then().statusCode(201);
            return new Tenant(id, AdminApi.newKey(id).text());
        }
    }

    /** A small request. */
    public static Map<String, Object> chat(boolean stream) {
        return Map.of(
                "model",
                MODEL,
                "stream",
                stream,
                "messages",
                List.of(Map.of("role", "user", "content", "Say something.")));
    }
}
