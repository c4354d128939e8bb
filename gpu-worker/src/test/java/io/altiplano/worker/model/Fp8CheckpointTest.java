package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.Checkpoint;
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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints that are FP8 already, against torch ({@code src/test/goldens/fp8.py}), and those that we write. */
class Fp8CheckpointTest {
    private static final Kernels VECTOR = new CpuKernels();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path dir;

    @ParameterizedTest
    @ValueSource(strings = {"fp8-fbgemm", "fp8-dynamic", "fp8-static"})
    void dequantisedWeightsAreTorchsToTheBit(String name) throws Exception {
        // given
        Path checkpointDir = Golden.directory(name);
        JsonNode golden = JSON.readTree(checkpointDir.resolve("golden.json").toFile());
        MessageDigest digest = MessageDigest.getInstance("SHA-256");

        // when
        try (Checkpoint checkpoint = Checkpoint.open(checkpointDir)) {
            for (JsonNode module : golden.get("modules")) {
                String linear = module.asText();
                int rows = linear.matches(".*(gate|up)_proj") ? 96 : linear.matches(".*(k|v)_proj") ? 24 : 48;
                FloatRows values = checkpoint.matrix(linear + ".weight", rows, linear.endsWith("down_proj") ? 96 : 48);
                float[] row = new float[values.columns()];
                ByteBuffer bytes = ByteBuffer.allocate(4 * row.length).order(ByteOrder.LITTLE_ENDIAN);
                for (int n = 0; n < values.rows(); n++) {
                    values.read(n, 0, row.length, row, 0);
                    bytes.asFloatBuffer().put(row);
                    digest.update(bytes.array());
                }
            }
        }

        // then
        assertThat(HexFormat.of().formatHex(digest.digest()))
                .isEqualTo(golden.get("dequantised").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = {"fp8-fbgemm", "fp8-dynamic", "fp8-static"})
    void inputsAreQuantizedAsTheCheckpointSays(String name) throws IOException {
        // given logits in float64, with inputs quantized and with inputs as they are
        double[] exact = doubles(name, "logits.f64");
        double[] weightsAlone = doubles(name, "logits-weights.f64");

        // when
        float[][] logits = logits(Golden.directory(name), WeightsMode.FP8_ALL, 1, VECTOR);

        // then roundings that float32's last bits flip cost far less than the quantization of inputs itself
        assertThat(medianDistance(logits, exact)).isLessThan(0.1 * medianDistance(logits, weightsAlone));
        // and neither the mode, nor the ranks, nor the backend matter
        assertThat(logits(Golden.directory(name), WeightsMode.BF16, 2, VECTOR)).isDeepEqualTo(logits);
        assertThat(logits(Golden.directory(name), WeightsMode.FP8_FFN, 1, new ReferenceKernels()))
                .isDeepEqualTo(logits);
    }

    @Test
    void weightsAloneAreUsedAsWhatTheyStandForWhereInputsAreNotQuantized() throws IOException {
        // given
        copy("fp8-dynamic");
        Path config = dir.resolve("config.json");
        Files.writeString(
                config,
                Files.readString(config)
                        .replaceAll("(?s)\"input_activations\": \\{.*?\\}", "\"input_activations\": null"));

        // when
        float[][] logits = logits(dir, WeightsMode.FP8_ALL, 1, VECTOR);

        // then
        double[] weightsAlone = doubles("fp8-dynamic", "logits-weights.f64");
        assertThat(medianDistance(logits, weightsAlone)).isLessThan(1e-4);
    }

    @ParameterizedTest
    @CsvSource({"FP8_FFN, 100000", "FP8_FFN, 9000000000", "FP8_ALL, 9000000000"})
    void whatWeWriteIsWhatTheEngineQuantizesAtLoad(WeightsMode mode, long shardBytes) throws IOException {
        // given
        Path original = TestCheckpoint.of(4, 2, 16, 64, 128, 203, 5).write(dir.resolve("original"));
        Files.writeString(original.resolve("LICENSE"), "terms");
        Path out = dir.resolve("out");

        // when
        CheckpointQuantizer.quantize(original, out, mode, shardBytes);

        // then
        JsonNode written = JSON.readTree(out.resolve("config.json").toFile()).get("quantization_config");
        assertThat(written.get("quant_method").asText()).isEqualTo("fbgemm_fp8");
        assertThat(written.get("activation_scale_ub").asDouble()).isEqualTo(1200);
        assertThat(written.get("modules_to_not_convert")).hasSize(mode == WeightsMode.FP8_ALL ? 1 : 4 * 4 + 2 * 3 + 1);
        assertThat(out.resolve("LICENSE")).hasContent("terms");
        assertThat(Files.exists(out.resolve("model.safetensors"))).isEqualTo(shardBytes > 1 << 20);
        int[] prompt = {5, 190, 33, 7, 7, 120, 2, 88};
        int[] wanted = {0, 3, 7};
        float[][] loaded = prefill(out, WeightsMode.BF16, prompt, wanted);
        if (mode == WeightsMode.FP8_FFN) {
            assertThat(loaded).isDeepEqualTo(prefill(original, mode, prompt, wanted));
        } else {
            // Portable FP8 leaves embeddings and output as they are.
            assertThat(loaded)
                    .isNotEqualTo(prefill(original, WeightsMode.FP8_FFN, prompt, wanted))
                    .isNotEqualTo(prefill(original, mode, prompt, wanted));
        }
        assertThatThrownBy(() -> CheckpointQuantizer.quantize(original, out, mode))
                .hasMessageContaining("is not empty");
        assertThatThrownBy(() -> CheckpointQuantizer.quantize(out, dir.resolve("again"), mode))
                .hasMessageContaining("is quantized already");
    }

    @ParameterizedTest
    @CsvSource({"fp8-fbgemm, 1", "fp8-dynamic, 2", "fp8-static, 1"})
    void panelsAreMappedAndGiveTheSameBits(String name, int ranks) throws IOException {
        // given
        copy(name);
        float[][] expected = logits(dir, WeightsMode.FP8_ALL, ranks, VECTOR);
        LlamaModel.writePanels(dir, new ModelOptions(WeightsMode.FP8_ALL, ranks, 0, VECTOR));
        Path panels = dir.resolve("model-tp" + ranks + ".panels");

        // when, then
        assertThat(logits(dir, WeightsMode.FP8_ALL, ranks, VECTOR)).isDeepEqualTo(expected);
        assertThat(logits(dir, WeightsMode.FP8_ALL, ranks, new ReferenceKernels()))
                .as("a backend without a layout reads the safetensors")
                .isDeepEqualTo(expected);

        // and they are what was used: a changed one changes the logits
        byte[] file = Files.readAllBytes(panels);
        byte[] changed = file.clone();
        for (int i = file.length / 2; i < file.length / 2 + 200; i++) {
            changed[i] &= (byte) 0xbf;
        }
        Files.write(panels, changed);
        assertThat(logits(dir, WeightsMode.FP8_ALL, ranks, VECTOR)).isNotEqualTo(expected);

        // and a truncated one, one with NaN, and one of other weights are refused
        Files.write(panels, Arrays.copyOf(file, file.length - 5000));
        assertRefused(ranks, ".panels");
        Files.write(panels, Arrays.copyOf(file, 11));
        assertRefused(ranks, "is truncated, or no file of panels");
        Arrays.fill(changed, file.length / 2, file.length / 2 + 200, (byte) 0xff);
        Files.write(panels, changed);
        assertRefused(ranks, "not finite");
        Files.write(panels, file);
        byte[] weights = Files.readAllBytes(dir.resolve("model.safetensors"));
        weights[weights.length - 2] ^= 1;
        Files.write(dir.resolve("model.safetensors"), weights);
        assertRefused(ranks, "was made from other weights");
    }

    private void assertRefused(int ranks, String message) {
        assertThatThrownBy(() -> logits(dir, WeightsMode.FP8_ALL, ranks, VECTOR))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"fbgemm_fp8\"|\"gptq\"|quant_method is 'gptq'",
                "1200.0|\"much\"|activation_scale_ub is no positive number",
                "1200.0|-1|activation_scale_ub is no positive number",
                "\"quantization_config\"|\"other\"|is F8_E4M3, but config.json has no quantization_config",
            })
    void aConfigurationThatCannotBeFollowedIsRefusedByKey(String from, String to, String message) throws IOException {
        copy("fp8-fbgemm");
        Path config = dir.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace(from, to));
        assertRefused(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"num_bits\": 8|\"num_bits\": 4|num_bits",
                "\"type\": \"float\"|\"type\": \"int\"|8-bit symmetric floats can",
                "\"strategy\": \"channel\"|\"strategy\": \"block\"|weights.strategy",
                "\"strategy\": \"token\"|\"strategy\": \"tensor\"|input_activations",
                "\"group_0\"|\"group_1\": {}, \"group_0\"|config_groups",
            })
    void aSchemeOfCompressedTensorsThatCannotBeFollowedIsRefused(String from, String to, String message)
            throws IOException {
        copy("fp8-dynamic");
        Path config = dir.resolve("config.json");
        Files.writeString(config, Files.readString(config).replace(from, to));
        assertRefused(message);
    }

    @ParameterizedTest
    @CsvSource({
        "model.layers.1.mlp.up_proj.weight, 0x7f, a weight of row 0 is NaN",
        "model.layers.1.mlp.down_proj.weight, 0xff, a weight of row 0 is NaN",
        "model.layers.1.mlp.down_proj.weight_scale, 0xff, holds the scale NaN",
        "model.layers.1.mlp.down_proj.input_scale_ub, 0xff, holds the scale NaN",
    })
    void notANumberIsRefusedByTensor(String tensor, String code, String message) throws IOException {
        copy("fp8-fbgemm");
        byte[] file = Files.readAllBytes(dir.resolve("model.safetensors"));
        int at = dataOf(file, tensor);
        Arrays.fill(file, at, at + 4, (byte) (int) Integer.decode(code));
        Files.write(dir.resolve("model.safetensors"), file);
        assertRefused(message);
        assertRefused(tensor.replaceAll("(up_proj).weight", "$1"));
    }

    @Test
    void scalesThatAreMissingOrOfAnotherShapeAreRefused() throws IOException {
        copy("fp8-fbgemm");
        byte[] file = Files.readAllBytes(dir.resolve("model.safetensors"));
        String text = new String(file, StandardCharsets.ISO_8859_1);
        Files.write(
                dir.resolve("model.safetensors"),
                text.replace("up_proj.weight_scale", "up_proj.weight_skale").getBytes(StandardCharsets.ISO_8859_1));
        assertRefused("up_proj.weight_scale is missing");
        Files.write(
                dir.resolve("model.safetensors"),
                text.replace("\"dtype\":\"F32\",\"shape\":[96,1]", "\"dtype\":\"F32\",\"shape\":[2,48]")
                        .getBytes(StandardCharsets.ISO_8859_1));
        assertRefused("is no scale a row of");
    }

    private void assertRefused(String message) {
        assertThatThrownBy(() -> logits(dir, WeightsMode.FP8_ALL, 1, VECTOR))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining(message);
    }

    /** Where a tensor's bytes begin in a file. */
    private static int dataOf(byte[] file, String tensor) throws IOException {
        int header = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        JsonNode json = JSON.readTree(file, 8, header);
        return 8 + header + json.get(tensor).get("data_offsets").get(0).intValue();
    }

    private void copy(String name) throws IOException {
        try (Stream<Path> files = Files.list(Golden.directory(name))) {
            for (Path file : files.toList()) {
                Files.copy(file, dir.resolve(file.getFileName().toString()));
            }
        }
    }

    private static float[][] logits(Path checkpoint, WeightsMode mode, int ranks, Kernels kernels) throws IOException {
        JsonNode golden = JSON.readTree(checkpoint.resolve("golden.json").toFile());
        try (LlamaModel model = LlamaModel.load(checkpoint, new ModelOptions(mode, ranks, 0, kernels))) {
            assertThat(model.numericsFingerprint()).contains("/fp8-as-stored/");
            int[] prompt = JSON.convertValue(golden.get("prompt"), int[].class);
            return new Sequences(model, 8)
                    .prefill(prompt, JSON.convertValue(golden.get("positions"), int[].class), prompt.length);
        }
    }

    private static float[][] prefill(Path checkpoint, WeightsMode mode, int[] prompt, int[] wanted) {
        try (LlamaModel model = LlamaModel.load(checkpoint, new ModelOptions(mode, 1, 0, VECTOR))) {
            return new Sequences(model, 8).prefill(prompt, wanted, prompt.length);
        }
    }

    private static double[] doubles(String name, String file) throws IOException {
        byte[] bytes = Files.readAllBytes(Golden.directory(name).resolve(file));
        double[] values = new double[bytes.length / 8];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
        return values;
    }

    private static double medianDistance(float[][] logits, double[] from) {
        double[] distances = new double[from.length];
        for (int i = 0; i < from.length; i++) {
            distances[i] = Math.abs(logits[i / logits[0].length][i % logits[0].length] - from[i]);
        }
        Arrays.sort(distances);
        return distances[distances.length / 2];
    }
}
