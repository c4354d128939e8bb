package io.altiplano.stack.cli;

import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Prints an access token of a demo user. */
@Command(name = "token", description = "Prints an access token of a demo user.")
final class Token implements Runnable {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Parameters(paramLabel = "USER")
    private String user = "";

    @Override
    public void run() {
        System.out.println(new Home(home).token(user));
    }
}
