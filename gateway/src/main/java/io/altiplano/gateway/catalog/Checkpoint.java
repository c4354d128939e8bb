package io.altiplano.gateway.catalog;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.tokenizer.ChatEncoder;
import io.altiplano.tokenizer.GgufFile;
import io.altiplano.tokenizer.InvalidTokenizerException;
import io.altiplano.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A Hugging Face checkpoint directory, or one with a single GGUF file ({@link GgufModel}), that passed: a Llama whose weights are all there in the shapes that its configuration
 * says, with a tokenizer that fits, a chat template, and the licence that it came with.
 *
 * @param contextLength most tokens of prompt and answer together
 * @param vocabSize rows of the embedding
 * @param weightsSha256 over the weight files in the order of their names, hex
 */
record Checkpoint(int contextLength, int vocabSize, String weightsSha256) {
    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * Checks a directory. Reads all of its weights once.
     *
     * @throws InvalidCheckpointException with the first fault found
     */
    static Checkpoint check(Path directory) throws IOException, InvalidCheckpointException {
        if (!Files.isDirectory(directory)) {
            throw new InvalidCheckpointException("The model store has no directory '" + directory.getFileName()
                    + "'; copy the checkpoint there first (./altiplano model import does).");
        }
        Path gguf = GgufFile.in(directory);
        if (gguf != null && !Files.exists(directory.resolve("config.json"))) {
            requireLicence(directory);
            return GgufModel.check(directory, gguf);
        }
        JsonNode config = config(directory);
        requireLicence(directory);
        int vocabulary = positive(config, "vocab_size");
        requireTokenizer(directory, vocabulary);
        List<Path> weights = weightFiles(directory);
        requireShapes(weights, config);
        return new Checkpoint(positive(config, "max_position_embeddings"), vocabulary, sha256(weights));
    }

    private static JsonNode config(Path directory) throws IOException, InvalidCheckpointException {
        Path file = directory.resolve("config.json");
        if (!Files.isRegularFile(file)) {
            throw new InvalidCheckpointException(
                    "config.json is missing; a Hugging Face checkpoint directory has one beside its weights.");
        }
        try {
            JsonNode config = JSON.readTree(file.toFile());
            for (JsonNode architecture : config.path("architectures")) {
                if (architecture.asText().equals("LlamaForCausalLM")) {
                    return config;
                }
            }
            throw new InvalidCheckpointException("config.json: architectures is " + config.path("architectures")
                    + "; only LlamaForCausalLM can be served.");
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException("config.json is not JSON; download it again.");
        }
    }

    private static void requireLicence(Path directory) throws InvalidCheckpointException {
        if (ModelTexts.LICENCES.stream().noneMatch(name -> Files.isRegularFile(directory.resolve(name)))) {
            throw new InvalidCheckpointException(
                    "The directory has no LICENSE file; the licence obliges whoever passes the"
                            + " model on to pass its text on too, so import the file that came with the checkpoint.");
        }
    }

    static void requireTokenizer(Path directory, int vocabulary) throws InvalidCheckpointException {
        try (Tokenizer tokenizer = Tokenizer.load(directory)) {
            if (tokenizer.vocabularySize() > vocabulary) {
                throw new InvalidCheckpointException("The tokenizer has " + tokenizer.vocabularySize()
                        + " tokens but the configuration says vocab_size " + vocabulary
                        + "; they are of different models.");
            }
            ChatEncoder.load(directory, tokenizer);
        } catch (InvalidTokenizerException e) {
            throw new InvalidCheckpointException(
                    e.getMessage() == null ? "the tokenizer is unreadable" : e.getMessage());
        }
    }

    private static List<Path> weightFiles(Path directory) throws IOException, InvalidCheckpointException {
        Path index = directory.resolve("model.safetensors.index.json");
        TreeSet<String> names = new TreeSet<>();
        if (Files.isRegularFile(index)) {
            for (JsonNode name : JSON.readTree(index.toFile()).path("weight_map")) {
                names.add(name.asText());
            }
        } else {
            try (Stream<Path> files = Files.list(directory)) {
                files.map(f -> f.getFileName().toString())
                        .filter(n -> n.endsWith(".safetensors"))
                        .forEach(names::add);
            }
        }
        if (names.isEmpty()) {
            throw new InvalidCheckpointException(
                    "There is no *.safetensors file; convert the weights to safetensors first.");
        }
        for (String name : names) {
            if (name.contains("/") || name.contains("\\") || !Files.isRegularFile(directory.resolve(name))) {
                throw new InvalidCheckpointException("The weight file '" + name + "' is missing; download it.");
            }
        }
        return names.stream().map(directory::resolve).toList();
    }

    private static void requireShapes(List<Path> files, JsonNode config)
            throws IOException, InvalidCheckpointException {
        Map<String, List<Long>> found = new HashMap<>();
        for (Path file : files) {
            found.putAll(SafetensorsHeader.read(file));
        }
        for (Map.Entry<String, List<Long>> tensor : expected(config).entrySet()) {
            List<Long> shape = found.get(tensor.getKey());
            if (shape == null) {
                throw new InvalidCheckpointException("The weights lack the tensor " + tensor.getKey()
                        + "; config.json and the weight files are of different models, or a file is missing.");
            }
            if (!shape.equals(tensor.getValue())) {
                throw new InvalidCheckpointException("The tensor " + tensor.getKey() + " has the shape " + shape
                        + " where config.json asks for " + tensor.getValue() + "; they are of different models.");
            }
        }
    }

    /** Names and shapes [out, in] of a Llama's tensors as Hugging Face writes them. */
    private static Map<String, List<Long>> expected(JsonNode config) throws InvalidCheckpointException {
        long hidden = positive(config, "hidden_size");
        long ffn = positive(config, "intermediate_size");
        long heads = positive(config, "num_attention_heads");
        long kvHeads = config.hasNonNull("num_key_value_heads") ? positive(config, "num_key_value_heads") : heads;
        long headSize = config.hasNonNull("head_dim") ? positive(config, "head_dim") : hidden / heads;
        long vocabulary = positive(config, "vocab_size");
        Map<String, List<Long>> shapes = new HashMap<>();
        shapes.put("model.embed_tokens.weight", List.of(vocabulary, hidden));
        shapes.put("model.norm.weight", List.of(hidden));
        if (!config.path("tie_word_embeddings").asBoolean(false)) {
            shapes.put("lm_head.weight", List.of(vocabulary, hidden));
        }
        for (int layer = 0; layer < positive(config, "num_hidden_layers"); layer++) {
            String at = "model.layers." + layer + ".";
            shapes.put(at + "input_layernorm.weight", List.of(hidden));
            shapes.put(at + "post_attention_layernorm.weight", List.of(hidden));
            shapes.put(at + "self_attn.q_proj.weight", List.of(heads * headSize, hidden));
            shapes.put(at + "self_attn.k_proj.weight", List.of(kvHeads * headSize, hidden));
            shapes.put(at + "self_attn.v_proj.weight", List.of(kvHeads * headSize, hidden));
            shapes.put(at + "self_attn.o_proj.weight", List.of(hidden, heads * headSize));
            shapes.put(at + "mlp.gate_proj.weight", List.of(ffn, hidden));
            shapes.put(at + "mlp.up_proj.weight", List.of(ffn, hidden));
            shapes.put(at + "mlp.down_proj.weight", List.of(hidden, ffn));
        }
        return shapes;
    }

    private static int positive(JsonNode config, String key) throws InvalidCheckpointException {
        JsonNode value = config.path(key);
        if (!value.canConvertToInt() || value.intValue() < 1) {
            throw new InvalidCheckpointException("config.json: " + key + " must be a whole number of at least 1, not "
                    + (value.isMissingNode() ? "missing" : value) + ".");
        }
        return value.intValue();
    }

    static String sha256(List<Path> files) throws IOException {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (Path file : files) {
                try (InputStream in = new DigestInputStream(Files.newInputStream(file), sha)) {
                    in.transferTo(OutputStream.nullOutputStream());
                }
            }
            return HexFormat.of().formatHex(sha.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
