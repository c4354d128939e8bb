package io.altiplano.stack.cli;

import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.Database;
import io.altiplano.stack.platform.ScratchDatabase;
import java.nio.file.Path;
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
        return ScratchDatabase.during(
                gateway.serverUrl(),
                here.secrets().get("postgres.superuser.password"),
                database,
                Apps.ofDistribution(here.dist()).gateway(),
                () -> gateway.ledger(database, command));
    }
}
