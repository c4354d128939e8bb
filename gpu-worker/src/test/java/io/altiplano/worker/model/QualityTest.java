package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.tensor.Bf16;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What FP8 costs the starter model on held-out conversations ({@code src/test/goldens/quality_texts.py}); docs/quality.md has the figures of more of them. */
class QualityTest {
    private static final Path STARTER =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("starter-model");
    private static final ObjectMapper JSON = new ObjectMapper();
    /** A power of two: what it multiplies and divides stays the same BF16 numbers. */
    private static final int OUTLIER = 20;

    @TempDir
    Path dir;

    @Test
    void quantizationCostsLittleAndMoreOfItMore() throws IOException {
        List<Divergence.Text> texts = texts();
        try (LlamaModel exact = load(STARTER.resolve("model"), WeightsMode.BF16);
                LlamaModel ffn = load(STARTER.resolve("model"), WeightsMode.FP8_FFN);
                LlamaModel all = load(STARTER.resolve("model"), WeightsMode.FP8_ALL)) {
            Divergence none = Divergence.of(exact, exact, texts);
            Divergence fewer = Divergence.of(exact, ffn, texts);
            Divergence more = Divergence.of(exact, all, texts);

            System.out.println("fp8-ffn " + fewer + "\nfp8-all " + more);

            assertThat(none.meanKl()).isZero();
            assertThat(none.sameTop()).isEqualTo(1);
            assertThat(none.perplexity()).isEqualTo(none.referencePerplexity());
            assertThat(fewer.meanKl()).isBetween(1e-7, 0.001);
            assertThat(more.meanKl()).isBetween(fewer.meanKl(), 0.005);
            assertThat(more.perplexity()).isLessThan(1.05 * more.referencePerplexity());
            assertThat(fewer.sameTop()).isGreaterThan(0.99);
        }
    }

    /**
     * One feed-forward channel of an inner layer is made 2^20 times larger and read 2^20 times weaker, which changes nothing in BF16.
     * Without the bound on an input row's maximum its few huge values push all others of their rows into underflow.
     */
    @Test
    void theBoundKeepsAPlantedOutlierFromErasingTheRowsItIsIn() throws IOException {
        List<Divergence.Text> texts = texts();
        Path planted = plant(dir.resolve("planted"));
        Path bounded = dir.resolve("bounded");
        CheckpointQuantizer.quantize(planted, bounded, WeightsMode.FP8_FFN);
        Path unbounded = dir.resolve("unbounded");
        CheckpointQuantizer.quantize(planted, unbounded, WeightsMode.FP8_FFN);
        unbind(unbounded);
        try (LlamaModel exact = load(STARTER.resolve("model"), WeightsMode.BF16);
                LlamaModel same = load(planted, WeightsMode.BF16);
                LlamaModel with = load(bounded, WeightsMode.FP8_FFN);
                LlamaModel without = load(unbounded, WeightsMode.FP8_FFN)) {
            Divergence withBound = Divergence.of(exact, with, texts);
            Divergence withoutBound = Divergence.of(exact, without, texts);
            System.out.println(
                    "planted outlier: with the bound " + withBound + "\n                 without     " + withoutBound);

            assertThat(Divergence.of(exact, same, texts).meanKl()).isLessThan(1e-6);
            assertThat(withBound.meanKl()).isLessThan(0.3 * withoutBound.meanKl());
            assertThat(withBound.sameTop()).isGreaterThanOrEqualTo(withoutBound.sameTop());
        }
    }

    private static List<Divergence.Text> texts() throws IOException {
        List<Divergence.Text> texts = new ArrayList<>();
        for (String line : Files.readAllLines(Golden.directory(Golden.TIED).resolve("../../quality/texts.jsonl"))) {
            JsonNode text = JSON.readTree(line);
            boolean[] scored = new boolean[text.get("scored").size()];
            for (int i = 0; i < scored.length; i++) {
                scored[i] = text.get("scored").get(i).asInt() == 1;
            }
            texts.add(new Divergence.Text(JSON.convertValue(text.get("tokens"), int[].class), scored));
        }
        return texts;
    }

    private static LlamaModel load(Path checkpoint, WeightsMode mode) {
        return LlamaModel.load(checkpoint, new ModelOptions(mode, 1, 0, new CpuKernels()));
    }

    private static Path plant(Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(STARTER.resolve("model"))) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
        Path weights = to.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        int channel = 17;
        // up_proj is [512, 192], down_proj [192, 512]
        scale(bytes, "model.layers.1.mlp.up_proj.weight", 192, i -> channel * 192 + i, OUTLIER);
        scale(bytes, "model.layers.1.mlp.down_proj.weight", 192, i -> i * 512 + channel, -OUTLIER);
        Files.write(weights, bytes);
        return to;
    }

    private static void scale(byte[] file, String tensor, int count, IntUnaryOperator index, int exponent)
            throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int header = (int) bytes.getLong(0);
        int from = 8
                + header
                + JSON.readTree(file, 8, header)
                        .get(tensor)
                        .get("data_offsets")
                        .get(0)
                        .intValue();
        for (int i = 0; i < count; i++) {
            int at = from + 2 * index.applyAsInt(i);
            bytes.putShort(at, Bf16.encode(Math.scalb(Bf16.decode(bytes.getShort(at)), exponent)));
        }
    }

    /** Takes the bound out of a checkpoint: the configuration's, and each tensor's by another name. */
    private static void unbind(Path checkpoint) throws IOException {
        Path config = checkpoint.resolve("config.json");
        ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
        ((ObjectNode) json.get("quantization_config")).remove("activation_scale_ub");
        Files.writeString(config, json.toString());
        Path weights = checkpoint.resolve("model.safetensors");
        String text = new String(Files.readAllBytes(weights), StandardCharsets.ISO_8859_1);
        Files.write(weights, text.replace("input_scale_ub", "input_scale_xx").getBytes(StandardCharsets.ISO_8859_1));
    }
}
