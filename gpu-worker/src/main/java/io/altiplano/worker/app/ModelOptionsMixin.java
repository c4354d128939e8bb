package io.altiplano.worker.app;

import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that every engine command shares. */
final class ModelOptionsMixin {
    private static final int MOST_THREADS = 1024;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec mixee;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Hugging Face model directory")
    private Path model = Path.of(".");

    @Option(
            names = "--weights",
            paramLabel = "MODE",
            description = "bf16, fp8-ffn (Meta's recipe) or fp8-all; default: ${DEFAULT-VALUE}",
            defaultValue = "fp8-all")
    private String weights = "";

    @Option(
            names = "--tp",
            paramLabel = "N",
            description = "tensor-parallel ranks: 1, 2, 4 or 8; default: ${DEFAULT-VALUE}",
            defaultValue = "1")
    private String tp = "";

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "computing threads over all ranks, 0 for one a rank; default: ${DEFAULT-VALUE}",
            defaultValue = "0")
    private int threads;

    @Option(
            names = "--kernels",
            paramLabel = "NAME",
            description = "auto, native, vector or reference: the same bits; default: ${DEFAULT-VALUE}",
            defaultValue = "auto")
    private String kernels = "";

    @Option(
            names = "--kv",
            paramLabel = "TYPE",
            description = "how keys and values are held: f32, bf16 or fp8; default: ${DEFAULT-VALUE}",
            defaultValue = "bf16")
    private String kv = "";

    /** The directory, which exists. */
    Path directory() {
        if (!Files.isDirectory(model)) {
            throw new EngineCli.BadInputException("--model " + model + " is no directory");
        }
        return model;
    }

    /** How to load it. */
    ModelOptions options() {
        if (threads < 0 || threads > MOST_THREADS) {
            throw new EngineCli.BadInputException("--threads must be 0 to " + MOST_THREADS + ", not " + threads);
        }
        return asInput(() -> new ModelOptions(
                WeightsMode.of(weights),
                EngineChoices.tensorParallel(tp),
                threads,
                EngineChoices.kernels(kernels, this::tell),
                KvType.of(kv)));
    }

    private void tell(String whyNotNative) {
        Objects.requireNonNull(mixee, "picocli sets it")
                .commandLine()
                .getErr()
                .println("engine: the slower kernels in pure Java serve; native ones cannot be used here: "
                        + whyNotNative);
    }

    /** Runs what checks a person's input; its refusals are the person's to hear. */
    static <T> T asInput(Supplier<T> work) {
        try {
            return work.get();
        } catch (EngineCli.BadInputException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new EngineCli.BadInputException(e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }
}
