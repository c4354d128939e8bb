package io.altiplano.worker.app;

import io.altiplano.worker.model.CheckpointQuantizer;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code model quantize}: a checkpoint's FP8 form beside it. */
@Command(
        name = "quantize",
        description = {
            "Writes the checkpoint DIR with FP8 weights (E4M3, a scale a row) to the new directory OUT: safetensors of the",
            "fbgemm_fp8 form, which transformers and vLLM read too, and copies of the rest. Embeddings and output stay as",
            "they are."
        },
        mixinStandardHelpOptions = true)
final class QuantizeCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "Hugging Face model directory")
    private Path dir = Path.of(".");

    @Parameters(index = "1", paramLabel = "OUT", description = "where to write; must not exist, or be empty")
    private Path out = Path.of(".");

    @Option(
            names = "--weights",
            required = true,
            paramLabel = "MODE",
            description = "fp8-ffn (Meta's recipe: the inner layers' feed-forward matrices) or fp8-all (every layer's)")
    private String weights = "";

    @Option(
            names = "--packed",
            description = "write the engine's own layout beside it too, which loads by mapping without conversion")
    private boolean packed;

    @Option(
            names = "--tp",
            paramLabel = "N",
            description = "tensor-parallel ranks that the packed layout is for; default: ${DEFAULT-VALUE}",
            defaultValue = "1")
    private String tp = "";

    @Override
    public Integer call() {
        PrintWriter to =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        if (!Files.isDirectory(dir)) {
            throw new EngineCli.BadInputException(dir + " is no directory");
        }
        ModelOptionsMixin.asInput(() -> {
            ModelOptions options = new ModelOptions(
                    WeightsMode.of(weights), EngineChoices.tensorParallel(tp), 0, EngineChoices.kernels("vector"));
            if (packed) {
                // Before anything is written.
                LlamaModel.requireDivisible(dir, options);
            }
            CheckpointQuantizer.quantize(dir, out.toAbsolutePath(), options.weights());
            if (packed) {
                LlamaModel.writePanels(out, options);
            }
            return true;
        });
        to.println("Wrote " + out + " (" + WeightsMode.of(weights) + ", fbgemm_fp8"
                + (packed ? ", packed for --tp " + tp : "") + ")");
        return 0;
    }
}
