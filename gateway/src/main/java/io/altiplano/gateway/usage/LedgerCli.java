package io.altiplano.gateway.usage;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code ledger rebuild} and {@code ledger bench}, without a gateway. */
@Command(name = "ledger", description = "The ledger, from outside the platform.", mixinStandardHelpOptions = true)
public final class LedgerCli implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    /** For the launcher. */
    public static void main(String[] args) {
        System.exit(execute(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                System.getenv(),
                args));
    }

    /** Runs a command line; returns the exit code. */
    static int execute(PrintWriter out, PrintWriter err, Map<String, String> environment, String... args) {
        return new CommandLine(new LedgerCli())
                .addSubcommand(new RebuildCommand(environment))
                .addSubcommand(new BenchCommand(environment))
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((e, arguments) -> {
                    err.println("ledger: " + e.getMessage() + " (see --help)");
                    return CommandLine.ExitCode.USAGE;
                })
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    err.println("ledger: nothing was found out: " + e.getMessage());
                    return CommandLine.ExitCode.USAGE;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        CommandSpec command = Objects.requireNonNull(spec, "picocli sets it");
        throw new ParameterException(command.commandLine(), "which one? rebuild or bench");
    }

    /** A setting of the environment. */
    static String setting(Map<String, String> environment, String name) {
        String value = environment.getOrDefault(name, "");
        if (value.isEmpty()) {
            throw new IllegalArgumentException(
                    "set " + name + "; for a platform of ./altiplano up use ./altiplano ledger or ./altiplano bench");
        }
        return value;
    }
}
