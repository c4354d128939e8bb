package io.altiplano.stack.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Rebuilds this platform's ledger from the log and compares. The gateway's own command does it. */
@Command(name = "ledger-rebuild", description = "Rebuilds the ledger from its log and compares.")
final class LedgerRebuild implements Callable<Integer> {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Override
    public Integer call() {
        GatewayCommand gateway = new GatewayCommand(new Home(home.toAbsolutePath()));
        return gateway.ledger(gateway.database("altiplano"), List.of("rebuild"));
    }
}
