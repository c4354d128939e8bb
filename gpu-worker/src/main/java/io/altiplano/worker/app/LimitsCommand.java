package io.altiplano.worker.app;

import io.altiplano.worker.kernel.cpu.MachineLimits;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code engine limits}: what this machine can read and compute at most. */
@Command(
        name = "limits",
        description =
                "Measures this machine's memory reads and fused multiply-adds, the limits that kernels are judged by.",
        mixinStandardHelpOptions = true)
final class LimitsCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--threads", paramLabel = "N", description = "default: one a processor", defaultValue = "0")
    private int threads;

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        out.println(text(MachineLimits.measure(processors(threads))));
        return 0;
    }

    /** The threads asked for, or one a processor. */
    static int processors(int threads) {
        if (threads < 0 || threads > 1024) {
            throw new EngineCli.BadInputException("--threads must be 0 (one a processor) to 1024, not " + threads);
        }
        return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    }

    static String text(MachineLimits limits) {
        return String.format(
                Locale.ROOT,
                "limits on %d threads: read %.1f GB/s, FMA %.1f GFLOPS",
                limits.threads(),
                limits.readGigabytes(),
                limits.gigaflops());
    }
}
