package io.altiplano.stack.cli;

import io.altiplano.stack.infra.Dirs;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.KeycloakServer;
import io.altiplano.stack.infra.Secrets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The folder {@code .altiplano} of a checkout and what is where in it.
 *
 * @param folder the folder
 */
record Home(Path folder) {
    Dirs dirs() {
        return Dirs.under(folder, folder.resolve("cache"));
    }

    /** What the launcher built and copied. */
    Path dist() {
        return folder.resolve("dist");
    }

    Path models() {
        return folder.resolve("models");
    }

    Path env() {
        return folder.resolve("env");
    }

    /** There while the platform is up and answers. */
    Path ready() {
        return folder.resolve("run/ready");
    }

    Secrets secrets() {
        return new Secrets(folder.resolve("secrets"));
    }

    /**
     * A value of {@code .altiplano/env}; the process environment's comes first.
     *
     * @throws InfraException if neither has it
     */
    String variable(String name) {
        String given = System.getenv(name);
        if (given != null && !given.isEmpty()) {
            return given;
        }
        String value = environment().get(name);
        if (value == null) {
            throw new InfraException("no " + name + " in the environment or " + env() + ": start with ./altiplano up");
        }
        return value;
    }

    /** An access token of a demo user of the platform that {@code .altiplano/env} names. */
    String token(String user) {
        if (!KeycloakServer.users().contains(user)) {
            throw new InfraException(
                    "no demo user '" + user + "'; there are " + String.join(", ", KeycloakServer.users()));
        }
        return KeycloakServer.token(
                variable("ALTIPLANO_OIDC_URL"), user, secrets().get(KeycloakServer.secretOf(user)));
    }

    private Map<String, String> environment() {
        Map<String, String> values = new HashMap<>();
        if (!Files.exists(env())) {
            return values;
        }
        try {
            for (String line : Files.readAllLines(env())) {
                int equals = line.indexOf('=');
                if (line.startsWith("export ") && equals > 0) {
                    values.put(line.substring("export ".length(), equals), line.substring(equals + 1));
                }
            }
        } catch (IOException e) {
            throw new InfraException("cannot read " + env() + ": " + e.getMessage(), e);
        }
        return values;
    }
}
