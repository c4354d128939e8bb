package io.altiplano.worker.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.tokenizer.GgufFile;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A Llama model's sizes and special ids, as its Hugging Face {@code config.json} states them; nothing is assumed where the
 * file is silent and the format has no default.
 *
 * @param hidden width of the residual stream
 * @param layers transformer blocks
 * @param heads query heads
 * @param kvHeads key and value heads, a divisor of {@code heads}
 * @param headDim width of a head, even; {@code heads * headDim} need not be {@code hidden}
 * @param ffn width of the feed-forward layer
 * @param vocabulary token ids are {@code 0..vocabulary-1}
 * @param contextLength most positions a sequence may have
 * @param normEpsilon epsilon of RMSNorm
 * @param ropeTheta base of the rotary frequencies
 * @param ropeScaling Llama 3.1's frequency scaling, or null for plain rotary embeddings
 * @param tiedEmbeddings whether the output projection is the embedding matrix
 * @param bosId begin-of-text id, or -1 where the model has none
 * @param eosIds ids that end an answer, of {@code config.json} and {@code generation_config.json} together
 */
public record LlamaConfig(
        int hidden,
        int layers,
        int heads,
        int kvHeads,
        int headDim,
        int ffn,
        int vocabulary,
        int contextLength,
        float normEpsilon,
        double ropeTheta,
        @Nullable RopeScaling ropeScaling,
        boolean tiedEmbeddings,
        int bosId,
        List<Integer> eosIds) {
    private static final long MAX_CONFIG_BYTES = 1 << 20;
    private static final int MAX_SIZE = 1 << 24;

    public LlamaConfig {
        eosIds = List.copyOf(eosIds);
        positive("hidden_size", hidden);
        positive("num_hidden_layers", layers);
        positive("num_attention_heads", heads);
        positive("num_key_value_heads", kvHeads);
        positive("head_dim", headDim);
        positive("intermediate_size", ffn);
        positive("vocab_size", vocabulary);
        positive("max_position_embeddings", contextLength);
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "num_key_value_heads %d does not divide num_attention_heads %d".formatted(kvHeads, heads));
        }
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("head_dim %d is odd: rotary embeddings need pairs".formatted(headDim));
        }
        if (!(normEpsilon > 0) || !(ropeTheta > 0)) {
            throw new IllegalArgumentException("rms_norm_eps and rope_theta must be positive");
        }
    }

    /**
     * Reads {@code config.json}, and {@code generation_config.json} if it is there; of a directory with a GGUF file alone, its
     * metadata.
     *
     * @throws InvalidCheckpointException naming the file and the key that is missing, malformed or not supported, or the file that cannot be read
     */
    public static LlamaConfig read(Path dir) {
        Path gguf = ggufOf(dir);
        if (gguf != null) {
            return GgufConfig.read(gguf);
        }
        Path file = dir.resolve("config.json");
        JsonNode json = parse(file);
        try {
            refuseWhatIsNotLlama(json);
            int heads = required(json, "num_attention_heads");
            int hidden = required(json, "hidden_size");
            JsonNode rope = ropeNode(json);
            return new LlamaConfig(
                    hidden,
                    required(json, "num_hidden_layers"),
                    heads,
                    optional(json, "num_key_value_heads", heads),
                    headDim(json, hidden, heads),
                    required(json, "intermediate_size"),
                    required(json, "vocab_size"),
                    required(json, "max_position_embeddings"),
                    (float) number(json, "rms_norm_eps", 1e-6),
                    ropeTheta(json, rope),
                    ropeScaling(rope),
                    json.path("tie_word_embeddings").asBoolean(false),
                    json.path("bos_token_id").asInt(-1),
                    eosIds(dir, json));
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(file + ": " + e.getMessage(), e);
        }
    }

    /** The GGUF file that a directory without {@code config.json} is; null if it is none. */
    static @Nullable Path ggufOf(Path dir) {
        return Files.isRegularFile(dir.resolve("config.json")) ? null : GgufFile.in(dir);
    }

    private static JsonNode parse(Path file) {
        try {
            if (!Files.isRegularFile(file)) {
                throw new InvalidCheckpointException(
                        file + " is missing: a model directory is a Hugging Face checkpoint with config.json");
            }
            if (Files.size(file) > MAX_CONFIG_BYTES) {
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

    private static void refuseWhatIsNotLlama(JsonNode json) {
        String type = json.path("model_type").asText("");
        if (!type.equals("llama")) {
            throw new IllegalArgumentException("model_type is '%s', only llama is supported".formatted(type));
        }
        String act = json.path("hidden_act").asText("silu");
        if (!act.equals("silu")) {
            throw new IllegalArgumentException("hidden_act is '%s', only silu is supported".formatted(act));
        }
        for (String bias : List.of("attention_bias", "mlp_bias")) {
            if (json.path(bias).asBoolean(false)) {
                throw new IllegalArgumentException(bias + " is true, only false is supported");
            }
        }
    }

    private static JsonNode ropeNode(JsonNode json) {
        JsonNode parameters = json.path("rope_parameters");
        return parameters.isObject() ? parameters : json.path("rope_scaling");
    }

    private static double ropeTheta(JsonNode json, JsonNode rope) {
        return rope.has("rope_theta") ? number(rope, "rope_theta", 0) : number(json, "rope_theta", 10_000);
    }

    private static @Nullable RopeScaling ropeScaling(JsonNode rope) {
        if (!rope.isObject()) {
            return null;
        }
        String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
        return switch (type) {
            case "default" -> null;
            case "llama3" ->
                new RopeScaling(
                        number(rope, "factor", 0),
                        number(rope, "low_freq_factor", 0),
                        number(rope, "high_freq_factor", 0),
                        required(rope, "original_max_position_embeddings"));
            default ->
                throw new IllegalArgumentException(
                        "rope_type is '%s', only default and llama3 are supported".formatted(type));
        };
    }

    private static int headDim(JsonNode json, int hidden, int heads) {
        if (json.hasNonNull("head_dim")) {
            return required(json, "head_dim");
        }
        if (hidden % heads != 0) {
            throw new IllegalArgumentException(
                    "head_dim is missing, and num_attention_heads %d does not divide hidden_size %d"
                            .formatted(heads, hidden));
        }
        return hidden / heads;
    }

    private static List<Integer> eosIds(Path dir, JsonNode json) {
        Set<Integer> ids = new LinkedHashSet<>();
        addIds(json.path("eos_token_id"), ids);
        Path generation = dir.resolve("generation_config.json");
        if (Files.isRegularFile(generation)) {
            addIds(parse(generation).path("eos_token_id"), ids);
        }
        return new ArrayList<>(ids);
    }

    private static void addIds(JsonNode node, Set<Integer> ids) {
        if (node.isInt()) {
            ids.add(node.intValue());
        } else if (node.isArray()) {
            node.forEach(n -> addIds(n, ids));
        } else if (!node.isMissingNode() && !node.isNull()) {
            throw new IllegalArgumentException("eos_token_id is neither an id nor a list of ids: " + node);
        }
    }

    private static int required(JsonNode json, String key) {
        JsonNode node = json.path(key);
        if (!node.isInt()) {
            throw new IllegalArgumentException("%s %s"
                    .formatted(
                            key,
                            node.isMissingNode() || node.isNull() ? "is missing" : "is not a whole number: " + node));
        }
        return node.intValue();
    }

    private static int optional(JsonNode json, String key, int fallback) {
        return json.hasNonNull(key) ? required(json, key) : fallback;
    }

    private static double number(JsonNode json, String key, double fallback) {
        JsonNode node = json.path(key);
        if (node.isMissingNode() || node.isNull()) {
            return fallback;
        }
        if (!node.isNumber()) {
            throw new IllegalArgumentException("%s is not a number: %s".formatted(key, node));
        }
        return node.doubleValue();
    }

    private static void positive(String key, int value) {
        if (value <= 0 || value > MAX_SIZE) {
            throw new IllegalArgumentException("%s %d is not in 1..%d".formatted(key, value, MAX_SIZE));
        }
    }

    /** What of it, beside the tensors' shapes, the arithmetic depends on, as a short hash. */
    String numerics() {
        String text = headDim + " " + normEpsilon + " " + ropeTheta + " " + ropeScaling + " " + tiedEmbeddings;
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
