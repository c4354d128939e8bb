package io.altiplano.gateway.audit;

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

/**
 * {@code audit verify}, without a gateway: exit code 0 where the log holds, 1 where it or its checkpoints do not, 2 where that
 * could not be told.
 */
@Command(name = "audit", description = "The audit log, from outside the platform.", mixinStandardHelpOptions = true)
public final class AuditCli implements Callable<Integer> {
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
        return new CommandLine(new AuditCli())
                .addSubcommand(new VerifyCommand(environment))
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler((e, arguments) -> {
                    err.println("audit: " + e.getMessage() + " (see --help)");
                    return CommandLine.ExitCode.USAGE;
                })
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    err.println("audit: nothing was verified: "
                            + (e instanceof CheckpointException ? e.getMessage() : e.toString()));
                    return CommandLine.ExitCode.USAGE;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        CommandSpec command = Objects.requireNonNull(spec, "picocli sets it");
        throw new ParameterException(command.commandLine(), "which one? verify");
    }
}
