package io.altiplano.worker.app;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The engine without the platform: {@code engine generate|score|tokenize|quantize|quality|bench|limits ...}. What a person got wrong is one line on standard
 * error and exit code 2; a fault of ours is exit code 1.
 */
@Command(
        name = "engine",
        description = "Runs a model without the platform.",
        mixinStandardHelpOptions = true,
        subcommands = {
            GenerateCommand.class,
            ScoreCommand.class,
            TokenizeCommand.class,
            QuantizeCommand.class,
            QualityCommand.class,
            BenchCommand.class,
            LimitsCommand.class
        })
public final class EngineCli implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    /** For the launcher. */
    public static void main(String[] args) {
        System.setProperty("java.util.logging.manager", "org.jboss.logmanager.LogManager");
        Logger.getLogger("").setLevel(Level.WARNING);
        System.exit(execute(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                args));
    }

    /** Runs a command line; returns the exit code. */
    static int execute(PrintWriter out, PrintWriter err, String... args) {
        return new CommandLine(new EngineCli())
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, arguments) -> {
                    err.println("engine: " + oneLine(e.getMessage()) + " (see --help)");
                    return CommandLine.ExitCode.USAGE;
                })
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    if (e instanceof BadInputException) {
                        err.println("engine: " + oneLine(e.getMessage()));
                        return CommandLine.ExitCode.USAGE;
                    }
                    err.println("engine: failed: " + oneLine(e.toString()));
                    return CommandLine.ExitCode.SOFTWARE;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        CommandSpec command = Objects.requireNonNull(spec, "picocli sets it");
        throw new ParameterException(
                command.commandLine(),
                "which one? " + String.join(", ", command.subcommands().keySet()));
    }

    private static String oneLine(@Nullable String message) {
        return String.valueOf(message).strip().replaceAll("\\s*[\\r\\n]+\\s*", "; ");
    }

    /** What a person asked for cannot be done; the message says why. */
    static final class BadInputException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadInputException(@Nullable String message) {
            super(message);
        }
    }
}
