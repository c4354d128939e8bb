package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.tokenizer.ChatEncoder;
import io.altiplano.tokenizer.Tokenizer;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.GgufCheckpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A GGUF file against what transformers reads from it ({@code src/test/goldens/gguf_model.py}). */
class GgufTest {
    private static final Path DIR = Golden.directory("tied-llama3").resolveSibling("gguf-mixed");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path dir;

    @Test
    void dequantisedWeightsAreTransformersToTheBit() throws Exception {
        // given
        Map<String, int[]> shapes = new TreeMap<>();
        shapes.put("model.embed_tokens.weight", new int[] {1206, 32});
        shapes.put("model.norm.weight", new int[] {0, 32});
        for (int layer = 0; layer < 2; layer++) {
            String p = "model.layers." + layer + ".";
            shapes.put(p + "input_layernorm.weight", new int[] {0, 32});
            shapes.put(p + "post_attention_layernorm.weight", new int[] {0, 32});
            shapes.put(p + "self_attn.q_proj.weight", new int[] {32, 32});
            shapes.put(p + "self_attn.k_proj.weight", new int[] {16, 32});
            shapes.put(p + "self_attn.v_proj.weight", new int[] {16, 32});
            shapes.put(p + "self_attn.o_proj.weight", new int[] {32, 32});
            shapes.put(p + "mlp.gate_proj.weight", new int[] {64, 32});
            shapes.put(p + "mlp.up_proj.weight", new int[] {64, 32});
            shapes.put(p + "mlp.down_proj.weight", new int[] {32, 64});
        }
        MessageDigest digest = MessageDigest.getInstance("SHA-256");

        // when
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(DIR.resolve("model.gguf"))) {
            shapes.forEach((name, shape) -> {
                if (shape[0] == 0) {
                    put(digest, checkpoint.vector(name, shape[1]));
                    return;
                }
                FloatRows rows = checkpoint.matrix(name, shape[0], shape[1]);
                float[] row = new float[shape[1]];
                for (int n = 0; n < shape[0]; n++) {
                    rows.read(n, 0, row.length, row, 0);
                    put(digest, row);
                }
            });
        }

        // then
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo(golden().get("weights").asText());
    }

    private static void put(MessageDigest digest, float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        digest.update(bytes.array());
    }

    @Test
    void logitsEqualTransformersWithinWhatFloat32Costs() throws IOException {
        JsonNode golden = golden();
        int[] prompt = JSON.convertValue(golden.get("prompt"), int[].class);
        int[] positions = JSON.convertValue(golden.get("positions"), int[].class);

        float[][] logits = logits(DIR, prompt, positions);

        ByteBuffer exact =
                ByteBuffer.wrap(Files.readAllBytes(DIR.resolve("logits.f64"))).order(ByteOrder.LITTLE_ENDIAN);
        double largest = 0;
        for (float[] row : logits) {
            for (float logit : row) {
                largest = Math.max(largest, Math.abs(logit - exact.getDouble()));
            }
        }
        assertThat(largest).isLessThan(4 * golden.get("error").asDouble());
    }

    @Test
    void withoutTheRopeFactorsLogitsAreFarAway() throws IOException {
        // given the file with the tensor of factors renamed: the negative control of the comparison above
        JsonNode golden = golden();
        int[] prompt = JSON.convertValue(golden.get("prompt"), int[].class);
        int[] positions = JSON.convertValue(golden.get("positions"), int[].class);
        patch("rope_freqs.weight", "rope_frets.weight");

        assertThat(logits(dir, prompt, positions)[6][3])
                .isNotCloseTo(logits(DIR, prompt, positions)[6][3], offset(0.01f));
    }

    @Test
    void theVocabularyIsTiktokensAndTheTemplateTheFiles() throws IOException {
        Path tiktoken = Path.of(System.getProperty("altiplano.root", ".."))
                .resolve("tokenizer/src/test/resources/tiktoken/goldens.json");
        try (Tokenizer tokenizer = Tokenizer.load(DIR)) {
            for (JsonNode text : JSON.readTree(tiktoken.toFile()).get("texts")) {
                assertThat(tokenizer.encode(text.get("text").asText()))
                        .containsExactly(JSON.convertValue(text.get("tokens"), int[].class));
            }
            assertThat(tokenizer.bosId()).hasValue(1200);
            assertThat(tokenizer.eosIds()).containsExactlyInAnyOrder(1201, 1204, 1205);
            int[] chat = ChatEncoder.load(DIR, tokenizer)
                    .encode(List.of(Map.of("role", "user", "content", "<|eot_id|>")), List.of(), true);
            assertThat(chat).startsWith(1200).endsWith(1205);
            assertThat(tokenizer.decode(chat)).isEqualTo("<|begin_of_text|>user: <|eot_id|><|eot_id|>");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "GGUF, GGML, is no GGUF file",
        "blk.1.ffn_up.weight, blk.1.ffn_op.weight, tensor blk.1.ffn_up.weight is missing",
        "llama.block_count, llama.block_xount, llama.block_count is missing",
        "general.architecture, general.architectura, only llama is supported",
    })
    void whatIsMissingIsNamed(String from, String to, String message) throws IOException {
        patch(from, to);
        assertThatThrownBy(() -> logits(dir, new int[] {1}, new int[] {0}))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("model.gguf")
                .hasMessageContaining(message);
    }

    @Test
    void aTruncatedFileIsNamed() throws IOException {
        byte[] whole = Files.readAllBytes(DIR.resolve("model.gguf"));
        for (int length : new int[] {0, 10, 100, 30_000, whole.length - 1000}) {
            Files.write(dir.resolve("model.gguf"), Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> logits(dir, new int[] {1}, new int[] {0}))
                    .isInstanceOf(InvalidCheckpointException.class)
                    .hasMessageContaining("model.gguf");
        }
    }

    private void patch(String from, String to) throws IOException {
        byte[] file = Files.readAllBytes(DIR.resolve("model.gguf"));
        String text = new String(file, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(from);
        Files.write(dir.resolve("model.gguf"), text.replaceFirst(from, to).getBytes(StandardCharsets.ISO_8859_1));
    }

    private static JsonNode golden() throws IOException {
        return JSON.readTree(DIR.resolve("golden.json").toFile());
    }

    private static float[][] logits(Path dir, int[] prompt, int[] positions) {
        try (LlamaModel model = LlamaModel.load(dir, new ModelOptions(WeightsMode.BF16, 2, 0, new CpuKernels()))) {
            return new Sequences(model, 8).prefill(prompt, positions, prompt.length);
        }
    }
}
