package io.altiplano.stack.infra;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** The running test infrastructure, by the file that {@code ./altiplano infra} wrote. */
public final class TestInfra {
    private TestInfra() {}

    /** Its properties; fails with the remedy where it does not run. */
    public static Properties properties() {
        Path file = Path.of(System.getProperty("altiplano.infra", ".altiplano/infra/infra.properties"));
        Properties p = new Properties();
        try (var in = Files.newBufferedReader(file)) {
            p.load(in);
        } catch (IOException e) {
            throw new AssertionError(
                    "no test infrastructure at " + file + ": start it with ./altiplano infra --detach", e);
        }
        return p;
    }

    /** The checkout. */
    public static Path root() {
        return Path.of(System.getProperty("altiplano.root", ".."))
                .toAbsolutePath()
                .normalize();
    }

    /** The issuer of the realm. */
    public static String issuer() {
        Properties p = properties();
        return p.getProperty("keycloak.url") + "/realms/" + p.getProperty("keycloak.realm");
    }

    /** An access token of a demo user. */
    public static String token(String user) {
        return KeycloakServer.token(issuer(), user, properties().getProperty("keycloak.password." + user));
    }
}
