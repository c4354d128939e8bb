package io.altiplano.worker.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a PEFT adapter's {@code adapter_config.json} says of its scale. Ranks and matrices are seen by the tensors.
 *
 * @param alpha {@code lora_alpha}
 * @param rankStabilized whether the scale is alpha / sqrt(rank) instead of alpha / rank
 * @param alphaPattern other alphas, by the end of a module's name; the first that fits counts, as in PEFT
 */
record LoraConfig(double alpha, boolean rankStabilized, Map<String, Double> alphaPattern) {
    private static final long MOST_BYTES = 1 << 20;
    /** What would change the result and is not computed: each must be false, null or empty. */
    private static final List<String> NOT_SUPPORTED = List.of(
            "use_dora",
            "fan_in_fan_out",
            "lora_bias",
            "modules_to_save",
            "layer_replication",
            "trainable_token_indices",
            "target_parameters",
            "use_qalora",
            "alora_invocation_tokens");

    LoraConfig {
        // In the file's order, in which the first that fits counts.
        alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
    }

    /**
     * @throws InvalidCheckpointException naming the file and the key that is missing or not supported
     */
    static LoraConfig read(Path dir) {
        Path file = dir.resolve("adapter_config.json");
        JsonNode json = parse(file);
        if (!json.path("peft_type").asText("").equals("LORA")) {
            throw new InvalidCheckpointException(
                    "%s: peft_type is %s, only LORA is supported".formatted(file, json.path("peft_type")));
        }
        for (String key : NOT_SUPPORTED) {
            JsonNode value = json.path(key);
            boolean neutral = value.isMissingNode()
                    || value.isNull()
                    || (value.isBoolean() && !value.booleanValue())
                    || (value.isContainerNode() && value.isEmpty());
            if (!neutral) {
                throw new InvalidCheckpointException("%s: %s %s is not supported".formatted(file, key, value));
            }
        }
        if (!json.path("bias").asText("none").equals("none")) {
            throw new InvalidCheckpointException(
                    "%s: bias is %s, only none is supported".formatted(file, json.path("bias")));
        }
        Map<String, Double> pattern = new LinkedHashMap<>();
        json.path("alpha_pattern").properties().forEach(e -> {
            // PEFT takes regular expressions; plain names are what is written, and all that is believed.
            if (!e.getKey().matches("[A-Za-z0-9_.]{1,200}")) {
                throw new InvalidCheckpointException(
                        "%s: alpha_pattern '%s' is no plain name".formatted(file, e.getKey()));
            }
            pattern.put(e.getKey(), number(file, "alpha_pattern " + e.getKey(), e.getValue()));
        });
        return new LoraConfig(
                number(file, "lora_alpha", json.path("lora_alpha")),
                json.path("use_rslora").asBoolean(false),
                pattern);
    }

    private static JsonNode parse(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                throw new InvalidCheckpointException(
                        file + " is missing: an adapter is a directory that PEFT's save_pretrained wrote");
            }
            if (Files.size(file) > MOST_BYTES) {
                throw new InvalidCheckpointException(file + " is larger than 1 MiB: not a configuration");
            }
            JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(file));
            if (json == null || !json.isObject()) {
                throw new InvalidCheckpointException(file + " is not a JSON object");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + " cannot be read: " + e, e);
        }
    }

    private static double number(Path file, String key, JsonNode value) {
        if (!value.isNumber() || !(value.doubleValue() > 0) || Double.isInfinite(value.doubleValue())) {
            throw new InvalidCheckpointException("%s: %s is no positive number: %s".formatted(file, key, value));
        }
        return value.doubleValue();
    }

    /** What B A x is multiplied with, for a module such as {@code model.layers.0.mlp.up_proj}. */
    float scale(String module, int rank) {
        double a = alpha;
        for (Map.Entry<String, Double> entry : alphaPattern.entrySet()) {
            if (module.equals(entry.getKey()) || module.endsWith("." + entry.getKey())) {
                a = entry.getValue();
                break;
            }
        }
        return (float) (a / (rankStabilized ? Math.sqrt(rank) : rank));
    }
}
