package io.altiplano.stack.cli;

import io.altiplano.stack.infra.InfraException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The entry point of the launcher's commands; {@code ./altiplano --help} lists them. */
@Command(
        name = "altiplano",
        mixinStandardHelpOptions = true,
        description = "Runs Altiplano on this machine.",
        subcommands = {
            Up.class,
            Token.class,
            Chat.class,
            ModelImport.class,
            Bench.class,
            Prepare.class,
            AuditVerify.class,
            LedgerRebuild.class,
            LedgerBench.class,
            DeadLetters.class
        })
public final class Main {
    private Main() {}

    /** See {@code --help}. */
    public static void main(String[] args) {
        CommandLine commands = new CommandLine(new Main());
        commands.setExecutionExceptionHandler((e, command, parsed) -> {
            if (!(e instanceof InfraException)) {
                e.printStackTrace(command.getErr());
            }
            command.getErr().println("altiplano: " + e.getMessage());
            return 1;
        });
        System.exit(commands.execute(args));
    }
}
