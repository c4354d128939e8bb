package io.altiplano.gateway.web;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.People;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.eclipse.microprofile.config.ConfigProvider;
import org.jboss.logmanager.ExtLogRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What the gateway logs while keys are made, used, misused, rotated and revoked, tokens refused and PostgreSQL away: at the
 * levels it runs with, and with its own packages at DEBUG, no secret is in it, nor what a user says to a model.
 */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SecretsInLogTest {
    private static final String SAID = "my-very-own-words-to-the-model";

    private final List<String> lines = new ArrayList<>();
    private final Logger root = Logger.getLogger("");
    private final Logger own = Logger.getLogger("io.altiplano");
    private final Handler recorder = new Recorder();

    @BeforeEach
    void record() {
        recorder.setLevel(Level.ALL);
        root.addHandler(recorder);
        own.setLevel(Level.FINE);
    }

    @AfterEach
    void stop() {
        own.setLevel(null);
        root.removeHandler(recorder);
    }

    @Test
    void noKeyTokenPasswordOrPromptIsEverLogged() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");
        List<String> secrets = new ArrayList<>(List.of(secret(tenant.key()), SAID));
        secrets.add(ConfigProvider.getConfig().getValue("altiplano.keys.pepper", String.class));
        for (String role : List.of("owner", "tenant", "auth", "ledger", "operator")) {
            secrets.add(GatewayTestResource.get().password(role));
        }
        String token = GatewayTestResource.get().infra().token("admin");
        secrets.add(token.substring(token.lastIndexOf('.') + 1));

        use(tenant);
        secrets.add(secret(rotateAndRevoke(tenant.id())));
        misuse(tenant.key(), token);
        withoutPostgres(tenant);

        List<String> logged = snapshot();
        assertThat(logged).as("something was logged at all").hasSizeGreaterThan(3);
        assertThat(leaks(logged, secrets)).isEmpty();
    }

    @Test
    void aSecretThatIsLoggedIsFound() {
        String key = "alt_test_abc_planted1234567890";

        Logger.getLogger("io.altiplano.planted").fine("refused " + key);
        Logger.getLogger("io.altiplano.planted").log(Level.INFO, "refused {0}", key);
        Logger.getLogger("org.planted").log(Level.WARNING, "failed", new IllegalStateException("Bearer " + key));

        assertThat(leaks(snapshot(), List.of(secret(key)))).hasSize(3);
    }

    private static void use(Served.Tenant tenant) throws Exception {
        Map<String, Object> body = Map.of(
                "model", Served.MODEL, "messages", List.of(Map.of("role", "user", "content", SAID)), "user", SAID);
        try (KafkaPeer peer = new KafkaPeer()) {
            var asked = CompletableFuture.supplyAsync(() -> call(tenant.key(), body));
            peer.answer(peer.awaitJob(tenant.id()), "fine");
            assertThat(asked.get().statusCode()).isEqualTo(200);
            var failed = CompletableFuture.supplyAsync(() -> call(tenant.key(), body));
            var job = peer.awaitJob(tenant.id());
            peer.garbage(job);
            peer.answer(job, "fine");
            failed.get();
        }
    }

    private static String rotateAndRevoke(String tenant) {
        AdminApi.Key key = AdminApi.newKey(tenant);
        Response rotated =
                as("admin").body(Map.of("overlap_seconds", 60)).post("/admin/v1/keys/" + key.id() + "/rotate");
        as("admin").delete("/admin/v1/keys/" + key.id());
        call(key.text(), Map.of());
        return rotated.statusCode() / 100 == 2 ? rotated.path("key") : key.text();
    }

    /** With secrets in every place where they do not belong. */
    private static void misuse(String key, String token) {
        call(key + "x", Map.of());
        call(key, Map.of("model", "no-such-model", "messages", List.of(Map.of("role", "user", "content", SAID))));
        given().header("Authorization", "Bearer " + key)
                .contentType("application/json")
                .body("{\"model\": " + SAID)
                .post("/v1/chat/completions");
        given().queryParam("api_key", key).get("/v1/models");
        given().get("/v1/" + key);
        given().header("Authorization", "Bearer " + key).get("/admin/v1/tenants");
        given().header("Authorization", "Bearer " + token + "x").get("/admin/v1/tenants");
        given().header("Authorization", "Bearer " + token).get("/v1/models");
        given().header("X-Request-Id", key).get("/v1/models");
        People.person("nobody").get("/admin/v1/tenants");
    }

    private static void withoutPostgres(Served.Tenant tenant) {
        var wire = GatewayTestResource.get().postgresWire();
        wire.cut();
        try {
            call(
                    tenant.key(),
                    Map.of("model", Served.MODEL, "messages", List.of(Map.of("role", "user", "content", SAID))));
            as("admin").body(Map.of("name", "x")).post("/admin/v1/tenants/" + tenant.id() + "/keys");
        } finally {
            wire.heal();
        }
    }

    private static Response call(String key, Map<String, ?> body) {
        return given().header("Authorization", "Bearer " + key)
                .contentType("application/json")
                .body(body)
                .post("/v1/chat/completions");
    }

    /** The part of a key that nobody else may know; its id is no secret. */
    private static String secret(String key) {
        return key.substring(key.lastIndexOf('_') + 1);
    }

    private static List<String> leaks(List<String> lines, List<String> secrets) {
        return lines.stream()
                .filter(line -> secrets.stream()
                        .anyMatch(s -> line.toLowerCase(Locale.ROOT).contains(s.toLowerCase(Locale.ROOT))))
                .toList();
    }

    private List<String> snapshot() {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    private final class Recorder extends Handler {
        @Override
        public void publish(LogRecord record) {
            StringWriter text = new StringWriter();
            text.append(record.getLoggerName()).append(' ');
            text.append(ExtLogRecord.wrap(record).getFormattedMessage());
            if (record.getThrown() != null) {
                record.getThrown().printStackTrace(new PrintWriter(text, true));
            }
            // As bytes and back: what a log file would hold.
            String line = new String(text.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
            synchronized (lines) {
                lines.add(line);
            }
        }

        @Override
        public void flush() {
            // Nothing is held back.
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
