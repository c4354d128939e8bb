package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;

import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A new tenant that may use the served model, and who plays scheduler and worker for it. */
abstract class ChatCase {
    static final String PATH = "/v1/chat/completions";

    private final String tier;
    KafkaPeer peer;
    Served.Tenant tenant;

    ChatCase() {
        this("community");
    }

    /** @param tier the tenant's */
    ChatCase(String tier) {
        this.tier = tier;
    }

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        tenant = Served.Tenant.create(tier);
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    /** A body with more fields: names and values in turns. */
    static Map<String, Object> with(Map<String, Object> base, Object... more) {
        Map<String, Object> all = new HashMap<>(base);
        for (int i = 0; i < more.length; i += 2) {
            all.put((String) more[i], more[i + 1]);
        }
        return all;
    }

    CompletableFuture<Response> post(Map<String, Object> body) {
        return CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(body)
                .post(PATH));
    }

    static Response get(CompletableFuture<Response> response) throws Exception {
        return response.get(30, TimeUnit.SECONDS);
    }
}
