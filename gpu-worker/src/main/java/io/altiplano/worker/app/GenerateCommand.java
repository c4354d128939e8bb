package io.altiplano.worker.app;

import io.altiplano.tokenizer.ChatEncoder;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.engine.Ending;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.GeneratedToken;
import io.altiplano.worker.engine.GenerationRequest;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.Progress;
import io.altiplano.worker.engine.Refusal;
import io.altiplano.worker.engine.ServedModel;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.model.LlamaConfig;
import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.sampling.SamplingParams;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code engine generate}: one answer, streamed to standard output; speed to standard error. */
@Command(name = "generate", description = "Answers a prompt, token by token.", mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptionsMixin model = new ModelOptionsMixin();

    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "what to answer or go on from")
    private String prompt = "";

    @Option(names = "--system", paramLabel = "TEXT", description = "a system message before the prompt")
    private @Nullable String system;

    @Option(names = "--raw", description = "go on from the prompt as it is, without the chat template")
    private boolean raw;

    @Option(names = "--max-tokens", paramLabel = "N", description = "default: 256, or what the context leaves")
    private @Nullable Integer maxTokens;

    @Option(names = "--min-tokens", paramLabel = "N", description = "default: ${DEFAULT-VALUE}", defaultValue = "0")
    private int minTokens;

    @Mixin
    private SamplingMixin sampling = new SamplingMixin();

    @Option(
            names = "--n",
            paramLabel = "N",
            description = "answers to give, one after the other; default: 1",
            defaultValue = "1")
    private int answers;

    @Option(
            names = "--logprobs",
            paramLabel = "TOP",
            description =
                    "after each answer, a JSON line a token: its log-probability and the TOP (0 to 20) likeliest's",
            arity = "1")
    private @Nullable Integer logprobs;

    @Option(names = "--adapter", paramLabel = "DIR", description = "a LoRA adapter over the model, as PEFT writes it")
    private @Nullable Path adapter;

    @Option(names = "--stop", paramLabel = "TEXT", description = "a string that ends the answer; may be repeated")
    private List<String> stop = new ArrayList<>();

    @Override
    public Integer call() throws InterruptedException {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (logprobs != null && (logprobs < 0 || logprobs > 20)) {
            throw new EngineCli.BadInputException("--logprobs must be 0 to 20, not " + logprobs);
        }
        if (answers < 1 || answers > 128) {
            throw new EngineCli.BadInputException("--n must be 1 to 128, not " + answers);
        }
        int[] tokens = promptTokens();
        GenerationRequest request = request(tokens, 0);
        // Room for as much as there is context: what is beyond it, the engine refuses and says so.
        long most = Math.min(
                (long) tokens.length + request.maxTokens(),
                LlamaConfig.read(model.directory()).contextLength());
        EngineOptions size =
                new EngineOptions(1, (int) (most / KvStorage.BLOCK) + 1, Math.max(1, Math.min(512, tokens.length)));
        try (ServedModel served = ModelOptionsMixin.asInput(
                () -> ModelStore.open("cli", model.directory(), model.options(), size, (id, report) -> {}))) {
            Refusal refusal = served.engine().refuse(request).orElse(null);
            if (refusal != null) {
                throw new EngineCli.BadInputException(refusal.message());
            }
            return answers(served, tokens, out, err);
        }
    }

    private int answers(ServedModel served, int[] tokens, PrintWriter out, PrintWriter err)
            throws InterruptedException {
        Path from = adapter;
        LoraAdapter lora = from == null
                ? null
                : ModelOptionsMixin.asInput(() -> served.model().loadAdapter(from));
        try {
            int code = 0;
            for (int choice = 0; choice < answers && code == 0; choice++) {
                code = stream(served, request(tokens, choice).adapted(lora).salted("cli"), out, err);
            }
            return code;
        } finally {
            if (lora != null) {
                served.engine().close();
                lora.close();
            }
        }
    }

    private static int stream(ServedModel served, GenerationRequest request, PrintWriter out, PrintWriter err)
            throws InterruptedException {
        BlockingQueue<Progress> progress = new LinkedBlockingQueue<>();
        List<GeneratedToken> tokens = new ArrayList<>();
        long start = System.nanoTime();
        long first = 0;
        served.engine().submit(request, progress::add);
        while (true) {
            Progress next = progress.take();
            first = first == 0 ? System.nanoTime() : first;
            out.print(next.text());
            out.flush();
            tokens.addAll(next.tokens());
            Ending ending = next.ending();
            if (ending != null) {
                out.println();
                if (request.logprobs()) {
                    tokens.forEach(token -> out.println(LogprobLines.line(served.tokenizer(), token)));
                }
                err.println(summary(ending, first - start, System.nanoTime() - first));
                return ending.reason() == Ending.Reason.FAULTED ? 1 : 0;
            }
        }
    }

    private static String summary(Ending ending, long untilFirst, long afterFirst) {
        String rate = ending.completionTokens() < 2
                ? ""
                : String.format(
                        Locale.ROOT, ", then %.1f tokens/s", (ending.completionTokens() - 1) * 1e9 / afterFirst);
        return String.format(
                Locale.ROOT,
                "%d prompt tokens%s, %d generated (%s): first after %.0f ms%s%s",
                ending.promptTokens(),
                ending.cachedTokens() == 0 ? "" : " (" + ending.cachedTokens() + " of them known)",
                ending.completionTokens(),
                ending.reason().name().toLowerCase(Locale.ROOT),
                untilFirst / 1e6,
                rate,
                ending.message().isEmpty() ? "" : "; " + ending.message());
    }

    private int[] promptTokens() {
        return ModelOptionsMixin.asInput(() -> {
            try (Tokenizer tokenizer = Tokenizer.load(model.directory())) {
                return raw ? rawTokens(tokenizer) : chatTokens(tokenizer);
            }
        });
    }

    private int[] rawTokens(Tokenizer tokenizer) {
        int[] text = tokenizer.encode(prompt);
        if (tokenizer.bosId().isEmpty()) {
            return text;
        }
        int[] tokens = new int[text.length + 1];
        tokens[0] = tokenizer.bosId().getAsInt();
        System.arraycopy(text, 0, tokens, 1, text.length);
        return tokens;
    }

    private int[] chatTokens(Tokenizer tokenizer) {
        List<Map<String, String>> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Map.of("role", "system", "content", system));
        }
        messages.add(Map.of("role", "user", "content", prompt));
        return ChatEncoder.load(model.directory(), tokenizer).encode(messages, List.of(), true);
    }

    private GenerationRequest request(int[] tokens, int choice) {
        return ModelOptionsMixin.asInput(() -> {
            int room = LlamaConfig.read(model.directory()).contextLength() - tokens.length;
            int most = maxTokens != null ? maxTokens : Math.clamp(room, 1, Math.max(256, minTokens));
            SamplingParams params = sampling.params(choice);
            return new GenerationRequest(
                    tokens, new int[0], 0, params, most, minTokens, stop, logprobs == null ? -1 : logprobs);
        });
    }
}
