package io.altiplano.gateway.catalog;

import io.altiplano.tokenizer.GgufFile;
import io.altiplano.tokenizer.InvalidGgufException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A directory whose checkpoint is one GGUF file: configuration, tokenizer, template and weights in one. */
final class GgufModel {
    private GgufModel() {}

    /**
     * Checks the file. Reads all of it once.
     *
     * @throws InvalidCheckpointException with the first fault found
     */
    static Checkpoint check(Path directory, Path file) throws IOException, InvalidCheckpointException {
        int context;
        int vocabulary;
        try (Arena arena = Arena.ofConfined()) {
            GgufFile gguf = GgufFile.open(file, arena);
            if (!gguf.text("general.architecture").equals("llama")) {
                throw new InvalidCheckpointException(file.getFileName() + ": general.architecture is '"
                        + gguf.text("general.architecture") + "'; only llama can be served.");
            }
            context = positive(gguf, file, "llama.context_length");
            vocabulary = gguf.texts("tokenizer.ggml.tokens").size();
            requireShapes(gguf, file, vocabulary);
        } catch (InvalidGgufException e) {
            throw new InvalidCheckpointException(String.valueOf(e.getMessage()));
        }
        Checkpoint.requireTokenizer(directory, vocabulary);
        return new Checkpoint(context, vocabulary, Checkpoint.sha256(List.of(file)));
    }

    private static void requireShapes(GgufFile gguf, Path file, long vocabulary) throws InvalidCheckpointException {
        long hidden = positive(gguf, file, "llama.embedding_length");
        long ffn = positive(gguf, file, "llama.feed_forward_length");
        Map<String, List<Long>> shapes = new HashMap<>();
        shapes.put("token_embd.weight", List.of(hidden, vocabulary));
        shapes.put("output_norm.weight", List.of(hidden));
        for (int layer = 0; layer < positive(gguf, file, "llama.block_count"); layer++) {
            shapes.put("blk." + layer + ".attn_norm.weight", List.of(hidden));
            shapes.put("blk." + layer + ".ffn_gate.weight", List.of(hidden, ffn));
            shapes.put("blk." + layer + ".ffn_up.weight", List.of(hidden, ffn));
            shapes.put("blk." + layer + ".ffn_down.weight", List.of(ffn, hidden));
        }
        for (Map.Entry<String, List<Long>> expected : shapes.entrySet()) {
            GgufFile.TensorInfo tensor = gguf.tensors().get(expected.getKey());
            if (tensor == null || !tensor.shape().equals(expected.getValue())) {
                throw new InvalidCheckpointException(file.getFileName() + ": the tensor " + expected.getKey() + " is "
                        + (tensor == null ? "missing" : "of the shape " + tensor.shape())
                        + " where its metadata asks for "
                        + expected.getValue() + "; download it again.");
            }
        }
    }

    private static int positive(GgufFile gguf, Path file, String key) throws InvalidCheckpointException {
        long value = gguf.number(key).orElse(0);
        if (value < 1 || value > Integer.MAX_VALUE) {
            throw new InvalidCheckpointException(
                    file.getFileName() + ": " + key + " must be a whole number of at least 1, not " + value + ".");
        }
        return (int) value;
    }
}
