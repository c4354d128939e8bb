package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters against PEFT ({@code src/test/goldens/lora.py}), and beside each other. */
class LoraTest {
    private static final Kernels VECTOR = new CpuKernels();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path dir;

    @ParameterizedTest
    @CsvSource({
        "tied-llama3, r1-query",
        "tied-llama3, r8-all",
        "tied-llama3, r64-ffn-rslora",
        "untied-odd, r3-mixed",
        "untied-odd, r16-all-one-layer"
    })
    void logitsEqualPeftsWithinWhatFloat32Costs(String base, String name) throws IOException {
        // given
        Golden golden = Golden.read(base);
        Path adapterDir = golden.dir().resolve("adapters").resolve(name);
        JsonNode expected = JSON.readTree(adapterDir.resolve("golden.json").toFile());
        int[] prompt = Arrays.copyOf(golden.prompt(), 80);
        int[] positions = JSON.convertValue(expected.get("positions"), int[].class);
        ByteBuffer exact = ByteBuffer.wrap(Files.readAllBytes(adapterDir.resolve("logits.f64")))
                .order(ByteOrder.LITTLE_ENDIAN);

        // when
        float[][] logits = logits(golden.dir(), adapterDir, WeightsMode.BF16, 1, VECTOR, prompt, positions);

        // then
        double largest = 0;
        for (float[] row : logits) {
            for (float logit : row) {
                largest = Math.max(largest, Math.abs(logit - exact.getDouble()));
            }
        }
        double error = expected.get("error").asDouble();
        assertThat(largest).isLessThan(4 * error);
        // and without the adapter they are far away
        float[][] without = logits(golden.dir(), null, WeightsMode.BF16, 1, VECTOR, prompt, positions);
        assertThat(Math.abs(without[4][3] - logits[4][3])).isGreaterThan((float) (100 * error));
        // and the plain loops give the same bits, whatever the weights are stored as
        assertThat(logits(golden.dir(), adapterDir, WeightsMode.FP8_ALL, 1, new ReferenceKernels(), prompt, positions))
                .isDeepEqualTo(logits(golden.dir(), adapterDir, WeightsMode.FP8_ALL, 1, VECTOR, prompt, positions));
    }

    @ParameterizedTest
    @CsvSource({"BF16, r8-all", "FP8_ALL, r8-all", "FP8_FFN, r64-ffn-rslora"})
    void ranksChangeNoBit(WeightsMode mode, String name) {
        Golden golden = Golden.read("tied-llama3");
        Path adapter = golden.dir().resolve("adapters").resolve(name);
        int[] wanted = {0, 30, 59};
        int[] prompt = Arrays.copyOf(golden.prompt(), 60);
        assertThat(logits(golden.dir(), adapter, mode, 2, VECTOR, prompt, wanted))
                .isDeepEqualTo(logits(golden.dir(), adapter, mode, 1, VECTOR, prompt, wanted));
    }

    @Test
    void adaptersInOneBatchGiveTheBitsThatEachGivesAlone() {
        // given four sequences with three adapters and none, and each alone
        Golden golden = Golden.read("tied-llama3");
        int count = 37;
        try (LlamaModel model = LlamaModel.load(golden.dir(), new ModelOptions(WeightsMode.FP8_ALL, 2, 2, VECTOR))) {
            List<LoraAdapter> loaded = Stream.of("r1-query", "r8-all", "r64-ffn-rslora")
                    .map(name ->
                            model.loadAdapter(golden.dir().resolve("adapters").resolve(name)))
                    .toList();
            @Nullable LoraAdapter[] adapters = {loaded.get(0), null, loaded.get(1), loaded.get(2)};
            float[][] alone = new float[4][];
            for (int s = 0; s < 4; s++) {
                alone[s] = run(model, golden, new LoraAdapter[] {adapters[s]}, count, s)[0];
            }

            // when
            float[][] together = run(model, golden, adapters, count, 0);

            // then
            assertThat(together).isDeepEqualTo(alone);
            assertThat(together[0]).isNotEqualTo(together[1]);
            loaded.forEach(LoraAdapter::close);
        }
    }

    /** Sequences whose rows alternate; sequence s begins at token s + first of the prompt. */
    private static float[][] run(
            LlamaModel model, Golden golden, @Nullable LoraAdapter[] adapters, int count, int first) {
        int n = adapters.length;
        int[] tokens = new int[n * count];
        int[] positions = new int[n * count];
        int[] sequence = new int[n * count];
        int[][] tables = new int[n][];
        int[] last = new int[n];
        for (int s = 0; s < n; s++) {
            for (int i = 0; i < count; i++) {
                tokens[i * n + s] = golden.prompt()[i + s + first];
                positions[i * n + s] = i;
                sequence[i * n + s] = s;
            }
            tables[s] = new int[] {s, 4 + s, 8 + s};
            last[s] = (count - 1) * n + s;
        }
        KvStorage kv = model.newKvStorage(12);
        float[][] logits = new float[n][model.config().vocabulary()];
        model.forward(new ForwardBatch(tokens, positions, sequence, tables, adapters, last), kv, logits);
        return logits;
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"LORA\"|\"IA3\"|peft_type",
                "\"use_dora\": false|\"use_dora\": true|use_dora true is not supported",
                "\"bias\": \"none\"|\"bias\": \"all\"|bias is \"all\"",
                "\"modules_to_save\": null|\"modules_to_save\": [\"embed_tokens\"]|modules_to_save",
                "\"lora_alpha\": 16|\"lora_alpha\": \"x\"|lora_alpha is no positive number",
                "\"alpha_pattern\": {}|\"alpha_pattern\": {\"(a+)+$\": 1}|alpha_pattern '(a+)+$' is no plain name",
            })
    void aConfigurationThatCannotBeFollowedIsRefused(String from, String to, String message) throws IOException {
        copy("r8-all");
        Path config = dir.resolve("adapter_config.json");
        assertThat(Files.readString(config)).contains(from);
        Files.writeString(config, Files.readString(config).replace(from, to));
        assertRefused(message);
    }

    @Test
    void tensorsThatAreMissingDamagedOrOfAnotherModelAreRefused() throws IOException {
        copy("r8-all");
        Path file = dir.resolve("adapter_model.safetensors");
        String sound = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
        write(file, sound.replaceFirst("layers.1.mlp.up_proj.lora_A", "layers.9.mlp.up_proj.lora_A"));
        assertRefused("layers.1.mlp.up_proj.lora_A.weight is missing");
        write(file, sound.replaceFirst("layers.1.mlp.up_proj.lora_B", "layers.9.mlp.up_proj.lora_B"));
        assertRefused("layers.1.mlp.up_proj.lora_B.weight is missing");
        write(file, sound.replace("layers.1.mlp.up_proj.lora", "layers.9.mlp.up_proj.lora"));
        assertRefused("is no LoRA matrix of this model's linear layers");
        write(file, sound.substring(0, sound.length() - 10));
        assertRefused("it is truncated");
        write(file, sound.substring(0, sound.length() - 2) + "\u00ff\u00ff");
        assertRefused("is NaN");
        Files.delete(file);
        assertRefused("adapter_model.safetensors is missing");
        Files.delete(dir.resolve("adapter_config.json"));
        assertRefused("adapter_config.json is missing");
        copy(Golden.directory("untied-odd").resolve("adapters/r3-mixed"));
        assertRefused("the configuration needs");
    }

    /** In PEFT's get_pattern_key the first name of the file that fits counts; equal tensors with other scales are other adapters. */
    @Test
    void theFirstPatternThatFitsCountsAndTheHashTellsScalesApart() throws IOException {
        copy("r8-all");
        Path config = dir.resolve("adapter_config.json");
        String plain = Files.readString(config);
        List<String> configs = List.of(
                plain,
                plain.replace("\"lora_alpha\": 16", "\"lora_alpha\": 32"),
                plain.replace(
                        "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": 8, \"0.self_attn.q_proj\": 64}"),
                plain.replace("\"alpha_pattern\": {}", "\"alpha_pattern\": {\"q_proj\": 8}"),
                plain.replace(
                        "\"alpha_pattern\": {}", "\"alpha_pattern\": {\"0.self_attn.q_proj\": 64, \"q_proj\": 8}"));
        List<String> hashes = new ArrayList<>();
        Golden golden = Golden.read("tied-llama3");
        try (LlamaModel model = LlamaModel.load(golden.dir(), new ModelOptions(WeightsMode.BF16, 1, 1, VECTOR))) {
            for (String text : configs) {
                Files.writeString(config, text);
                try (LoraAdapter adapter = model.loadAdapter(dir)) {
                    hashes.add(adapter.sha256());
                }
            }
        }
        assertThat(hashes.get(2)).isEqualTo(hashes.get(3));
        hashes.remove(3);
        assertThat(hashes).doesNotHaveDuplicates();
    }

    private static void write(Path file, String text) throws IOException {
        Files.write(file, text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private void assertRefused(String message) {
        Golden golden = Golden.read("tied-llama3");
        try (LlamaModel model = LlamaModel.load(golden.dir(), new ModelOptions(WeightsMode.BF16, 1, 1, VECTOR))) {
            assertThatThrownBy(() -> model.loadAdapter(dir))
                    .isInstanceOf(InvalidCheckpointException.class)
                    .hasMessageContaining(dir.toString())
                    .hasMessageContaining(message);
        }
    }

    private void copy(String name) throws IOException {
        copy(Golden.directory("tied-llama3").resolve("adapters").resolve(name));
    }

    private void copy(Path from) throws IOException {
        for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
            Files.copy(from.resolve(file), dir.resolve(file));
        }
    }

    private static float[][] logits(
            Path base,
            @Nullable Path adapter,
            WeightsMode mode,
            int ranks,
            Kernels kernels,
            int[] prompt,
            int[] wanted) {
        try (LlamaModel model = LlamaModel.load(base, new ModelOptions(mode, ranks, 0, kernels))) {
            if (adapter == null) {
                return new Sequences(model, 8).prefill(prompt, wanted, prompt.length);
            }
            try (LoraAdapter lora = model.loadAdapter(adapter)) {
                return new Sequences(model, 8).adapted(lora).prefill(prompt, wanted, 33);
            }
        }
    }
}
