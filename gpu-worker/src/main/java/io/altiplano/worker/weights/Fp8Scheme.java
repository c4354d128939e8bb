package io.altiplano.worker.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.ActivationScaling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How an FP8 checkpoint scales activations, as {@code quantization_config} of its {@code config.json} says: {@code fbgemm_fp8}
 * (a scale a weight row, one a token with a bound) and {@code compressed-tensors} of 8-bit floats (a scale a weight row or
 * matrix; one a token, or a fixed one, or unquantized activations). Which matrices are FP8 is seen by their type.
 *
 * @param input how an input row gets its scale
 * @param bound of {@link ActivationScaling}; infinite for none
 */
record Fp8Scheme(Input input, float bound) {
    /** How an input row gets its scale. */
    enum Input {
        PER_TOKEN,
        FIXED,
        /** Weights alone are FP8: they are used as what they stand for. */
        UNQUANTIZED
    }

    /**
     * Of a checkpoint directory; null where it is not quantized.
     *
     * @throws InvalidCheckpointException naming the key that is not supported
     */
    static @Nullable Fp8Scheme read(Path dir) {
        Path file = dir.resolve("config.json");
        if (!Files.isRegularFile(file)) {
            return null;
        }
        JsonNode config;
        try {
            config = new ObjectMapper().readTree(Files.readAllBytes(file)).path("quantization_config");
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + " cannot be read: " + e, e);
        }
        if (config.isMissingNode() || config.isNull()) {
            return null;
        }
        String method = config.path("quant_method").asText("");
        return switch (method) {
            case "fbgemm_fp8" -> fbgemm(file, config);
            case "compressed-tensors" -> compressedTensors(file, config);
            default ->
                throw new InvalidCheckpointException(
                        "%s: quantization_config.quant_method is '%s'; fbgemm_fp8 and compressed-tensors can be loaded"
                                .formatted(file, method));
        };
    }

    private static Fp8Scheme fbgemm(Path file, JsonNode config) {
        JsonNode bound = config.path("activation_scale_ub");
        if (bound.isMissingNode() || bound.isNull()) {
            return new Fp8Scheme(Input.PER_TOKEN, Float.POSITIVE_INFINITY);
        }
        if (!bound.isNumber() || !(bound.floatValue() > 0)) {
            throw new InvalidCheckpointException(
                    "%s: quantization_config.activation_scale_ub is no positive number: %s".formatted(file, bound));
        }
        return new Fp8Scheme(Input.PER_TOKEN, bound.floatValue());
    }

    private static Fp8Scheme compressedTensors(Path file, JsonNode config) {
        JsonNode groups = config.path("config_groups");
        if (groups.size() != 1) {
            throw unsupported(file, "config_groups", groups);
        }
        JsonNode group = groups.iterator().next();
        JsonNode weights = group.path("weights");
        requireFloat8(file, "weights", weights);
        String strategy = weights.path("strategy").asText("");
        if (!strategy.equals("channel") && !strategy.equals("tensor")) {
            throw unsupported(file, "weights.strategy", weights.path("strategy"));
        }
        JsonNode input = group.path("input_activations");
        if (input.isMissingNode() || input.isNull()) {
            return new Fp8Scheme(Input.UNQUANTIZED, Float.POSITIVE_INFINITY);
        }
        requireFloat8(file, "input_activations", input);
        boolean dynamic = input.path("dynamic").asBoolean(false);
        String per = input.path("strategy").asText("");
        if (dynamic && per.equals("token")) {
            return new Fp8Scheme(Input.PER_TOKEN, Float.POSITIVE_INFINITY);
        }
        // A scale over all tokens of a batch would make an answer depend on its neighbours.
        if (!dynamic && per.equals("tensor")) {
            return new Fp8Scheme(Input.FIXED, Float.POSITIVE_INFINITY);
        }
        throw unsupported(file, "input_activations", input);
    }

    private static void requireFloat8(Path file, String what, JsonNode arguments) {
        if (!arguments.path("type").asText("").equals("float")
                || arguments.path("num_bits").asInt() != 8
                || !arguments.path("symmetric").asBoolean(true)) {
            throw unsupported(file, what, arguments);
        }
    }

    private static InvalidCheckpointException unsupported(Path file, String key, JsonNode value) {
        return new InvalidCheckpointException(
                "%s: quantization_config %s %s of compressed-tensors cannot be loaded: 8-bit symmetric floats can, weights a"
                                .formatted(file, key, value)
                        + " channel or tensor, inputs a token (dynamic) or tensor (static)");
    }
}
