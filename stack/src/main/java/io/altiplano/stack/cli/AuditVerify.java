package io.altiplano.stack.cli;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.AuditFiles;
import io.altiplano.stack.platform.Database;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/** Verifies an audit log: this platform's, where no other is named. The gateway's own command does it. */
@Command(name = "audit-verify", description = "Verifies the audit log against its signed checkpoints.")
final class AuditVerify implements Callable<Integer> {
    /** Nothing was verified; 1 is a log that does not hold. */
    private static final int UNVERIFIED = 2;

    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Unmatched
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() throws InterruptedException {
        Home here = new Home(home.toAbsolutePath());
        ProcessBuilder process = new ProcessBuilder(
                        AuditFiles.verification(Apps.ofDistribution(here.dist()).gateway(), arguments))
                .inheritIO();
        Map<String, String> environment = process.environment();
        AuditFiles.under(here.folder()).verifying().forEach(environment::putIfAbsent);
        if (!environment.containsKey("ALTIPLANO_DB_URL") && !arguments.contains("--url")) {
            local(here).forEach(environment::put);
        }
        try {
            return process.start().waitFor();
        } catch (IOException e) {
            System.err.println("altiplano: the gateway's command cannot be run: " + e.getMessage());
            return UNVERIFIED;
        }
    }

    /** This platform's database, as far as it is known; the gateway's command says what is missing. */
    private static Map<String, String> local(Home here) {
        try {
            int gateway = URI.create(here.variable("ALTIPLANO_BASE_URL")).getPort();
            return Database.of(
                            "jdbc:postgresql://127.0.0.1:" + new PortPlan(gateway, 1).postgres() + "/altiplano",
                            "altiplano",
                            "",
                            role -> here.secrets()
                                    .find("postgres." + role + ".password")
                                    .orElse(""))
                    .operator();
        } catch (InfraException | IllegalArgumentException e) {
            return Map.of();
        }
    }
}
