package io.altiplano.gateway.testing;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The infrastructure process that all modules' tests share, by the file that it writes. */
public final class Infra {
    private static final Pattern ACCESS_TOKEN = Pattern.compile("\"access_token\"\\s*:\\s*\"([^\"]+)\"");
    private static final Map<String, String> TOKENS = new ConcurrentHashMap<>();

    private final Properties properties;

    private Infra(Properties properties) {
        this.properties = properties;
    }

    /** Reads the file that the system property {@code altiplano.infra} names; fails with the remedy if it is not there. */
    public static Infra read() {
        Path file = Path.of(System.getProperty("altiplano.infra", ".altiplano/infra/infra.properties"));
        if (!Files.isReadable(file)) {
            throw new IllegalStateException("no test infrastructure at " + file + ": start it with ./altiplano infra");
        }
        Properties properties = new Properties();
        try (Reader in = Files.newBufferedReader(file)) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Infra(properties);
    }

    /** A value of the file. */
    public String get(String key) {
        String value = properties.getProperty(key);
        if (value == null) {
            throw new IllegalStateException(
                    "the test infrastructure gives no " + key + ": stop it and start it anew with ./altiplano infra");
        }
        return value;
    }

    /** The issuer of tokens. */
    public String issuer() {
        return get("keycloak.url") + "/realms/" + get("keycloak.realm");
    }

    /** An access token of a demo user (admin, officer-a, auditor, acme-owner, ...), as ./altiplano token gives it. */
    public String token(String user) {
        return TOKENS.computeIfAbsent(user, this::fetch);
    }

    private String fetch(String user) {
        String form = "grant_type=password&client_id=" + encode(get("keycloak.cli-client")) + "&username="
                + encode(user) + "&password=" + encode(get("keycloak.password." + user));
        HttpRequest request = HttpRequest.newBuilder(URI.create(issuer() + "/protocol/openid-connect/token"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            Matcher token = ACCESS_TOKEN.matcher(response.body());
            if (response.statusCode() != 200 || !token.find()) {
                throw new IllegalStateException(
                        "Keycloak gives no token for " + user + ": " + response.statusCode() + " " + response.body());
            }
            return token.group(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
