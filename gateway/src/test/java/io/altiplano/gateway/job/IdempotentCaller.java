package io.altiplano.gateway.job;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A tenant that asks with one {@code Idempotency-Key}. */
record IdempotentCaller(Served.Tenant tenant, String key) {
    static final String PATH = "/v1/chat/completions";

    static IdempotentCaller create() {
        return new IdempotentCaller(
                Served.Tenant.create("community"), UUID.randomUUID().toString());
    }

    interface Asking<T> {
        T ask() throws Exception;
    }

    static <T> CompletableFuture<T> async(Asking<T> asking) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                done.complete(asking.ask());
            } catch (Exception | AssertionError e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    static Response get(CompletableFuture<Response> response) throws Exception {
        return response.get(30, TimeUnit.SECONDS);
    }

    /** @param other whether the body is another one than otherwise */
    Response post(boolean other) {
        return request(key, other);
    }

    Response request(String named, boolean other) {
        Map<String, Object> body = new TreeMap<>(Served.chat(false));
        if (other) {
            body.put("temperature", 0.5);
        }
        return request(named, body);
    }

    Response request(String named, Map<String, Object> body) {
        return given().header("Authorization", "Bearer " + tenant.key())
                .header(RequestKey.HEADER, named)
                .contentType(ContentType.JSON)
                .body(body)
                .post(PATH);
    }

    String header() {
        return RequestKey.HEADER + ": " + key;
    }

    RequestKey.Name name() {
        return new RequestKey.Name(tenant.id(), "default", key);
    }

    /** As the gateway makes it of the same request. */
    RequestKey requestKey(boolean stream) {
        try {
            Map<String, Object> body = stream ? Served.chat(true) : new TreeMap<>(Served.chat(false));
            return RequestKey.of(tenant.id(), "default", key, PATH, new ObjectMapper().writeValueAsString(body));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    void awaitKept(Db db) {
        long begin = System.nanoTime();
        while (db.tenant(
                tenant.id(),
                handle -> IdempotentStore.find(handle, name())
                        .map(kept -> kept.answer() == null)
                        .orElse(true))) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
            Thread.onSpinWait();
        }
    }

    static String text(List<String> lines) throws JsonProcessingException {
        StringBuilder text = new StringBuilder();
        for (String line : lines) {
            if (line.startsWith("data: {")) {
                text.append(new ObjectMapper()
                        .readTree(line.substring("data: ".length()))
                        .at("/choices/0/delta/content")
                        .asText(""));
            }
        }
        return text.toString();
    }

    static void sql(String statement) throws Exception {
        try (var superuser = GatewayTestResource.get().superuser();
                var s = superuser.createStatement()) {
            s.execute(statement);
        }
    }
}
