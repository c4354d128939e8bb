package io.altiplano.stack.cli;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.JavaCommand;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.Database;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs a maintenance command of the built gateway in a process of its own, with this platform's settings. */
final class GatewayCommand {
    private static final String LEDGER = "io.altiplano.gateway.usage.LedgerCli";

    private final Home home;
    private final PortPlan ports;

    GatewayCommand(Home home) {
        this.home = home;
        this.ports =
                new PortPlan(URI.create(home.variable("ALTIPLANO_BASE_URL")).getPort(), 1);
    }

    /** The platform's PostgreSQL, for a superuser. */
    String serverUrl() {
        return "jdbc:postgresql://127.0.0.1:" + ports.postgres() + "/postgres";
    }

    /** A database of the platform's PostgreSQL, with the platform's roles. */
    Database database(String name) {
        return Database.of(
                "jdbc:postgresql://127.0.0.1:" + ports.postgres() + "/" + name,
                name,
                "",
                role -> home.secrets().get("postgres." + role + ".password"));
    }

    /** Runs {@code ledger ...} on a database; the exit code. */
    int ledger(Database database, List<String> arguments) {
        KafkaConfig kafka = KafkaServer.config(ports.kafka(), "gateway", home.secrets());
        Map<String, String> settings = new LinkedHashMap<>(database.environment());
        settings.put("ALTIPLANO_KAFKA_BOOTSTRAP", kafka.bootstrapServers());
        settings.put("ALTIPLANO_KAFKA_SECURITY", kafka.security());
        settings.put("ALTIPLANO_KAFKA_MECHANISM", kafka.mechanism());
        settings.put("ALTIPLANO_KAFKA_USERNAME", kafka.username());
        settings.put("ALTIPLANO_KAFKA_PASSWORD", kafka.password());
        Path app = Apps.ofDistribution(home.dist()).gateway();
        List<String> command = new ArrayList<>(List.of(
                JavaCommand.java(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-Djava.util.logging.config.file=/dev/null",
                "-cp",
                app.resolve("app/*") + ":" + app.resolve("lib/main/*") + ":" + app.resolve("lib/boot/*"),
                LEDGER));
        command.addAll(arguments);
        ProcessBuilder process = new ProcessBuilder(command).inheritIO();
        process.environment().putAll(settings);
        try {
            return process.start().waitFor();
        } catch (IOException e) {
            throw new InfraException("the gateway's command cannot be run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted", e);
        }
    }
}
