package io.altiplano.stack.cli;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.PostgresServer;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.Database;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Unmatched;

/** Measures the ledger on this platform's PostgreSQL, in a database of its own, which it takes away again. */
@Command(name = "ledger-bench", description = "Measures the ledger.")
final class LedgerBench implements Callable<Integer> {
    private static final String NAME = "altiplano_bench";

    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Unmatched
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
        Home here = new Home(home.toAbsolutePath());
        GatewayCommand gateway = new GatewayCommand(here);
        Database database = gateway.database(NAME);
        List<String> command = new ArrayList<>(List.of("bench"));
        command.addAll(arguments);
        try (Connection superuser = DriverManager.getConnection(
                gateway.serverUrl(), PostgresServer.SUPERUSER, here.secrets().get("postgres.superuser.password"))) {
            drop(superuser);
            database.create(superuser, Apps.ofDistribution(here.dist()).gateway());
            try {
                return gateway.ledger(database, command);
            } finally {
                drop(superuser);
            }
        } catch (SQLException e) {
            throw new InfraException("PostgreSQL refused the benchmark's database: " + e.getMessage(), e);
        }
    }

    private static void drop(Connection superuser) throws SQLException {
        try (var statement = superuser.createStatement()) {
            statement.execute("DROP DATABASE IF EXISTS " + NAME + " WITH (FORCE)");
        }
    }
}
