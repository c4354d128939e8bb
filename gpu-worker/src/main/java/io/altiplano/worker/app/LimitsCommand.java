package io.altiplano.worker.app;

import io.altiplano.worker.kernel.cpu.MachineLimits;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.io.PrintWriter;
import java.nio.file.Path;
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

    @Option(
            names = "--model",
            paramLabel = "DIR",
            description = "Hugging Face model directory: also tells what the limits mean for it")
    private @Nullable Path model;

    @Option(
            names = "--weights",
            paramLabel = "MODE",
            description = "bf16, fp8-ffn or fp8-all; default: ${DEFAULT-VALUE}",
            defaultValue = "fp8-all")
    private String weights = "";

    @Option(names = "--tp", paramLabel = "N", description = "default: ${DEFAULT-VALUE}", defaultValue = "1")
    private String tp = "";

    @Option(names = "--threads", paramLabel = "N", description = "default: one a processor", defaultValue = "0")
    private int threads;

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        int processors = processors(threads);
        Path directory = model;
        long bytes = directory == null ? 0 : ModelOptionsMixin.asInput(() -> weightBytes(directory, processors));
        MachineLimits limits = MachineLimits.measure(processors, MachineLimits.VECTOR);
        out.println(text(limits));
        if (directory != null) {
            out.printf(
                    Locale.ROOT,
                    "%s, %s: %.1f MB of weights a step, so at most %.0f steps/s where they come from memory%n",
                    directory.getFileName(),
                    weights,
                    bytes / 1e6,
                    limits.readGigabytes() * 1e9 / bytes);
        }
        return 0;
    }

    private long weightBytes(Path directory, int processors) {
        int ranks = EngineChoices.tensorParallel(tp);
        ModelOptions options =
                new ModelOptions(WeightsMode.of(weights), ranks, processors, EngineChoices.kernels("vector"));
        try (LlamaModel loaded = LlamaModel.load(directory, options)) {
            long bytes = 0;
            for (int rank = 0; rank < ranks; rank++) {
                bytes += loaded.bytesHeld(rank);
            }
            return bytes;
        }
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
                "limits on %d threads: read %.1f GB/s, multiply-adds %.1f GFLOPS",
                limits.threads(),
                limits.readGigabytes(),
                limits.gigaflops());
    }
}
