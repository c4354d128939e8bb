package io.altiplano.stack.cli;

import io.altiplano.stack.infra.KeycloakServer;
import io.altiplano.stack.infra.PostgresServer;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Unpacks what a start needs, as the last step of a build. */
@Command(name = "prepare", hidden = true)
final class Prepare implements Runnable {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Override
    public void run() {
        Home here = new Home(home.toAbsolutePath());
        PostgresServer.prepare(here.dirs().cache());
        KeycloakServer.prepare(here.dirs().cache(), here.dist().resolve("stack/keycloak.zip"));
    }
}
