package io.altiplano.worker.model;

import io.altiplano.tokenizer.GgufFile;
import io.altiplano.worker.weights.GgufCheckpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A GGUF file's metadata as a configuration: {@code llama.*}. What rope_scaling would say is a tensor there. */
final class GgufConfig {
    private GgufConfig() {}

    /**
     * @throws InvalidCheckpointException naming the file and the key that is missing or not supported
     */
    static LlamaConfig read(Path file) {
        try (GgufCheckpoint checkpoint = GgufCheckpoint.open(file)) {
            GgufFile gguf = checkpoint.file();
            String architecture = gguf.text("general.architecture");
            if (!architecture.equals("llama")) {
                throw new IllegalArgumentException(
                        "general.architecture is '%s', only llama is supported".formatted(architecture));
            }
            String scaling = gguf.text("llama.rope.scaling.type");
            if (!scaling.isEmpty() && !scaling.equals("none")) {
                throw new IllegalArgumentException(
                        "llama.rope.scaling.type is '%s'; none, and factors in rope_freqs.weight, are supported"
                                .formatted(scaling));
            }
            int hidden = required(gguf, "embedding_length");
            int heads = required(gguf, "attention.head_count");
            int headDim = optional(gguf, "attention.key_length", heads > 0 ? hidden / heads : 0);
            if (optional(gguf, "rope.dimension_count", headDim) != headDim
                    || optional(gguf, "attention.value_length", headDim) != headDim) {
                throw new IllegalArgumentException(
                        "llama.rope.dimension_count, attention.key_length and value_length differ");
            }
            List<Integer> eos = new ArrayList<>();
            gguf.number("tokenizer.ggml.eos_token_id").ifPresent(id -> eos.add((int) id));
            return new LlamaConfig(
                    hidden,
                    required(gguf, "block_count"),
                    heads,
                    optional(gguf, "attention.head_count_kv", heads),
                    headDim,
                    required(gguf, "feed_forward_length"),
                    vocabulary(gguf),
                    required(gguf, "context_length"),
                    (float) gguf.real("llama.attention.layer_norm_rms_epsilon", 0),
                    gguf.real("llama.rope.freq_base", 10_000),
                    null,
                    !checkpoint.has("lm_head.weight"),
                    (int) gguf.number("tokenizer.ggml.bos_token_id").orElse(-1),
                    eos);
        } catch (InvalidCheckpointException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(file + ": " + e.getMessage(), e);
        }
    }

    private static int vocabulary(GgufFile gguf) {
        int tokens = gguf.texts("tokenizer.ggml.tokens").size();
        return optional(gguf, "vocab_size", tokens);
    }

    private static int required(GgufFile gguf, String key) {
        return optional(gguf, key, -1);
    }

    private static int optional(GgufFile gguf, String key, int otherwise) {
        long value = gguf.number("llama." + key).orElse(otherwise);
        if (value < 1 || value > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("llama.%s is missing or no whole number above 0".formatted(key));
        }
        return (int) value;
    }
}
