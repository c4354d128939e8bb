package io.altiplano.worker.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.Kernels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.StreamSupport;

/**
 * A checkpoint with the logits that Hugging Face transformers computes for it ({@code src/test/goldens/generate.py}).
 *
 * @param error the largest distance of transformers' float32 logits from its float64 logits
 * @param single transformers' float32 logits, [positions][vocabulary]
 * @param exact transformers' float64 logits
 */
record Golden(Path dir, int[] prompt, int[] positions, double error, float[][] single, double[][] exact) {
    static final String TIED = "tied-llama3";
    static final String UNTIED = "untied-odd";
    static final String LLAMA2 = "llama2";

    static Golden read(String name) {
        try {
            Path dir = directory(name);
            JsonNode json =
                    new ObjectMapper().readTree(dir.resolve("golden.json").toFile());
            int[] prompt = ints(json.path("prompt"));
            int[] positions = ints(json.path("positions"));
            ByteBuffer f32 = ByteBuffer.wrap(Files.readAllBytes(dir.resolve("logits.f32")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer f64 = ByteBuffer.wrap(Files.readAllBytes(dir.resolve("logits.f64")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            int vocabulary = f32.remaining() / 4 / positions.length;
            float[][] single = new float[positions.length][vocabulary];
            double[][] exact = new double[positions.length][vocabulary];
            for (int i = 0; i < positions.length; i++) {
                for (int v = 0; v < vocabulary; v++) {
                    single[i][v] = f32.getFloat();
                    exact[i][v] = f64.getDouble();
                }
            }
            return new Golden(dir, prompt, positions, json.path("error").asDouble(), single, exact);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path directory(String name) {
        try {
            URL config = Golden.class.getResource("/checkpoints/" + name + "/config.json");
            return Path.of(Objects.requireNonNull(config, name).toURI())
                    .resolveSibling(".")
                    .normalize();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static int[] ints(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
    }

    /** The model's logits at the stored positions, the prompt prefilled in one pass. */
    float[][] logits(Kernels kernels, WeightsMode mode, int ranks) {
        try (LlamaModel model = LlamaModel.load(dir, new ModelOptions(mode, ranks, 0, kernels))) {
            return new Sequences(model, 64).prefill(prompt, positions, prompt.length);
        }
    }

    /** Float64 logits with linear layers quantized as {@code mode} says. */
    double[][] exact(WeightsMode mode) {
        if (mode == WeightsMode.BF16) {
            return exact;
        }
        try {
            byte[] bytes = Files.readAllBytes(dir.resolve("logits-" + mode.label() + ".f64"));
            ByteBuffer f64 = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            double[][] logits = new double[positions.length][exact[0].length];
            for (double[] row : logits) {
                f64.asDoubleBuffer().get(row);
                f64.position(f64.position() + 8 * row.length);
            }
            return logits;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Distances of all logits from float64 ones, ascending. */
    double[] distances(float[][] logits, double[][] from) {
        double[] distances = new double[positions.length * from[0].length];
        int n = 0;
        for (int i = 0; i < positions.length; i++) {
            for (int v = 0; v < from[i].length; v++) {
                distances[n++] = Math.abs(logits[i][v] - from[i][v]);
            }
        }
        Arrays.sort(distances);
        return distances;
    }

    /** The largest distance from the float64 logits of the unquantized model. */
    double distance(float[][] logits) {
        double[] distances = distances(logits, exact);
        return distances[distances.length - 1];
    }

    /** The median distance from the float64 logits of this mode. */
    double medianDistance(float[][] logits, WeightsMode mode) {
        double[] distances = distances(logits, exact(mode));
        return distances[distances.length / 2];
    }
}
