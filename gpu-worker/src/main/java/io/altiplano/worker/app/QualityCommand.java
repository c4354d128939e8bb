package io.altiplano.worker.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.model.Divergence;
import io.altiplano.worker.model.LlamaModel;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code engine quality}: what quantization costs, on texts from standard input. */
@Command(
        name = "quality",
        description = {
            "Compares a checkpoint in fp8-ffn and fp8-all, and with keys and values in bf16 and fp8, with itself in bf16 and f32 on JSON lines {\"text\": ...} or {\"tokens\": [...],",
            "\"scored\": [0, 1, ...]} (tokens to be predicted; all but the first by default): perplexity, Kullback-Leibler",
            "divergence a token in nats, and how often the likeliest token is the same."
        },
        mixinStandardHelpOptions = true)
final class QualityCommand implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What is measured: the weights' modes, the types of keys and values, and the worker's defaults. */
    private static final List<Held> HELD = List.of(
            new Held(WeightsMode.BF16, KvType.F32),
            new Held(WeightsMode.FP8_FFN, KvType.F32),
            new Held(WeightsMode.FP8_ALL, KvType.F32),
            new Held(WeightsMode.BF16, KvType.BF16),
            new Held(WeightsMode.BF16, KvType.FP8),
            new Held(WeightsMode.FP8_ALL, KvType.BF16),
            new Held(WeightsMode.FP8_ALL, KvType.FP8));

    private record Held(WeightsMode weights, KvType kv) {}

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "Hugging Face model directory")
    private Path model = Path.of(".");

    @Override
    public Integer call() throws IOException {
        if (!Files.isDirectory(model)) {
            throw new EngineCli.BadInputException("--model " + model + " is no directory");
        }
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        List<Divergence.Text> texts = texts();
        out.println("weights  kv    tokens  perplexity   mean KL    p99 KL  same top");
        try (LlamaModel reference = load(WeightsMode.BF16, KvType.F32)) {
            for (Held held : HELD) {
                try (LlamaModel other = load(held.weights, held.kv)) {
                    Divergence d = ModelOptionsMixin.asInput(() -> Divergence.of(reference, other, texts));
                    out.printf(
                            Locale.ROOT,
                            "%-8s %-4s %7d %11.4f %9.5f %9.5f %8.2f%%%n",
                            held.weights,
                            held.kv,
                            d.tokens(),
                            d.perplexity(),
                            d.meanKl(),
                            d.p99Kl(),
                            100 * d.sameTop());
                }
            }
        }
        return 0;
    }

    private LlamaModel load(WeightsMode mode, KvType kv) {
        return ModelOptionsMixin.asInput(
                () -> LlamaModel.load(model, new ModelOptions(mode, 1, 0, new CpuKernels(), kv)));
    }

    private List<Divergence.Text> texts() throws IOException {
        List<Divergence.Text> texts = new ArrayList<>();
        try (Tokenizer tokenizer = ModelOptionsMixin.asInput(() -> Tokenizer.load(model))) {
            BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            int number = 0;
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                number++;
                if (!line.isBlank()) {
                    texts.add(text(tokenizer, line, number));
                }
            }
        }
        return texts;
    }

    private static Divergence.Text text(Tokenizer tokenizer, String line, int number) {
        try {
            JsonNode json = JSON.readTree(line);
            if (json.path("text").isTextual()) {
                return Divergence.Text.whole(tokenizer.encode(json.path("text").asText()));
            }
            if (!json.path("tokens").isArray()) {
                throw new IllegalArgumentException("neither \"text\" nor \"tokens\"");
            }
            int[] tokens = JsonLines.ids(json.path("tokens"));
            JsonNode marks = json.path("scored");
            if (marks.isMissingNode()) {
                return Divergence.Text.whole(tokens);
            }
            boolean[] scored = new boolean[marks.size()];
            for (int i = 0; i < scored.length; i++) {
                scored[i] = marks.path(i).asInt() != 0;
            }
            return new Divergence.Text(tokens, scored);
        } catch (JsonProcessingException e) {
            throw new EngineCli.BadInputException("line " + number + " is no JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException e) {
            throw new EngineCli.BadInputException("line " + number + ": " + e.getMessage());
        }
    }
}
