package io.altiplano.stack.infra;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Keycloak 26 as a child process with the realm "altiplano" imported at its first start. Run by java itself and not by
 * kc.sh, so that its pid is known.
 *
 * @param process the JVM
 * @param port of HTTP on 127.0.0.1
 * @param managementPort of its health endpoint
 */
public record KeycloakServer(ManagedProcess process, int port, int managementPort) implements AutoCloseable {
    /** The realm's name. */
    public static final String REALM = "altiplano";

    /** The public client with direct access grants, for the command line and tests. */
    public static final String CLI_CLIENT = "altiplano-cli";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** A user of the demo realm. Tenants' people have no realm role: what they may do is their membership's to say. */
    private record DemoUser(String name, String role) {}

    private static final List<DemoUser> USERS = List.of(
            new DemoUser("admin", "platform-admin"),
            new DemoUser("officer-a", "licence-officer"),
            new DemoUser("officer-b", "licence-officer"),
            new DemoUser("auditor", "auditor"),
            new DemoUser("acme-owner", ""),
            new DemoUser("megacorp-owner", ""),
            new DemoUser("partner-owner", ""));

    /** The demo users' names. */
    public static List<String> users() {
        return USERS.stream().map(DemoUser::name).toList();
    }

    /** The name of a demo user's password among the secrets. */
    public static String secretOf(String user) {
        return "keycloak.password." + user;
    }

    /**
     * Starts it on {@code dirs.data()/keycloak} without waiting; see {@link #awaitReady}.
     *
     * @param consoleUrl where the console client's users are sent back to
     */
    public static KeycloakServer start(
            Dirs dirs, Path zip, int port, int managementPort, String consoleUrl, Secrets secrets) {
        KeycloakInstall install = KeycloakInstall.unpacked(dirs.cache(), zip);
        Path home = dirs.data().resolve("keycloak");
        try {
            install.prepareHome(home);
            Path realm = home.resolve("data/import/altiplano-realm.json");
            Files.createDirectories(realm.getParent());
            Secrets.writePrivately(realm, JSON.writeValueAsString(realm(consoleUrl, secrets)));
        } catch (IOException e) {
            throw new InfraException("cannot prepare Keycloak in " + home + ": " + e.getMessage(), e);
        }
        List<String> command = new ArrayList<>(install.command(home, true));
        command.addAll(List.of("--import-realm", "--http-host=127.0.0.1", "--http-port=" + port));
        command.addAll(List.of("--http-management-host=127.0.0.1", "--http-management-port=" + managementPort));
        ManagedProcess process = ManagedProcess.start(ManagedProcess.Spec.of("keycloak", command, Map.of()), dirs);
        return new KeycloakServer(process, port, managementPort);
    }

    /** Unpacks and builds its files in the cache, which the first start would do otherwise. */
    public static void prepare(Path cache, Path zip) {
        KeycloakInstall.unpacked(cache, zip);
    }

    /** Waits until it says that it is ready. */
    public KeycloakServer awaitReady() {
        try (HttpClient http = PlainHttp.client()) {
            HttpRequest ready = HttpRequest.newBuilder(
                            URI.create("http://127.0.0.1:" + managementPort + "/health/ready"))
                    .timeout(Duration.ofSeconds(10))
                    .build();
            Waiting.until(
                    "Keycloak on port " + port,
                    process,
                    Duration.ofSeconds(240),
                    () -> http.send(ready, HttpResponse.BodyHandlers.discarding())
                                    .statusCode()
                            == 200);
        }
        return this;
    }

    /** Its address. */
    public String url() {
        return "http://127.0.0.1:" + port;
    }

    /** The realm's issuer. */
    public String issuer() {
        return url() + "/realms/" + REALM;
    }

    /** An access token by a demo user's password. */
    public static String token(String issuer, String user, String password) {
        String form = "grant_type=password&client_id=" + CLI_CLIENT + "&username=" + user + "&password=" + password;
        HttpRequest request = HttpRequest.newBuilder(URI.create(issuer + "/protocol/openid-connect/token"))
                .header("content-type", "application/x-www-form-urlencoded")
                .timeout(Duration.ofSeconds(30))
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        try (HttpClient http = PlainHttp.client()) {
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new InfraException(
                        "Keycloak gave no token to " + user + ": status " + answer.statusCode() + ", " + answer.body());
            }
            return JSON.readTree(answer.body()).path("access_token").asText();
        } catch (IOException e) {
            throw new InfraException(
                    "Keycloak at " + issuer + " does not answer (" + e + "); is the platform up? (./altiplano status)",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted", e);
        }
    }

    /** The subject (sub) of an access token: what memberships know a person by. */
    public static String subject(String token) {
        try {
            return JSON.readTree(Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]))
                    .path("sub")
                    .asText();
        } catch (IOException e) {
            throw new InfraException("an access token holds no JSON: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        process.stop(Duration.ofSeconds(15));
    }

    private static JsonNode realm(String consoleUrl, Secrets secrets) throws IOException {
        String text;
        try (InputStream in = Objects.requireNonNull(
                KeycloakServer.class.getResourceAsStream("/keycloak/altiplano-realm.json"),
                "the realm is a resource")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("${console.url}", consoleUrl);
        }
        ObjectNode realm = (ObjectNode) JSON.readTree(text);
        ArrayNode users = realm.putArray("users");
        for (DemoUser user : USERS) {
            ObjectNode u = users.addObject();
            u.put("username", user.name()).put("enabled", true).put("emailVerified", true);
            u.put("email", user.name() + "@altiplano.example");
            u.put("firstName", user.name()).put("lastName", "Demo");
            if (!user.role().isEmpty()) {
                u.putArray("realmRoles").add(user.role());
            }
            u.putArray("credentials")
                    .addObject()
                    .put("type", "password")
                    .put("value", secrets.get(secretOf(user.name())))
                    .put("temporary", false);
        }
        return realm;
    }
}
