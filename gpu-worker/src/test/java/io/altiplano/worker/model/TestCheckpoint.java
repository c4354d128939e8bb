package io.altiplano.worker.model;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Writes small random checkpoints of any shape, as Hugging Face would. */
final class TestCheckpoint {
    final Map<String, long[]> shapes = new LinkedHashMap<>();
    final Map<String, float[]> tensors = new LinkedHashMap<>();
    String config;

    private TestCheckpoint(String config) {
        this.config = config;
    }

    /** Four layers, so that fp8-ffn has inner ones; every width divides by 8 slices. */
    static TestCheckpoint of(int heads, int kvHeads, int headDim, int hidden, int ffn, int vocabulary, long seed) {
        return of(heads, kvHeads, headDim, hidden, ffn, vocabulary, 4, seed);
    }

    static TestCheckpoint of(
            int heads, int kvHeads, int headDim, int hidden, int ffn, int vocabulary, int layers, long seed) {
        TestCheckpoint c = new TestCheckpoint("""
                {"model_type": "llama", "hidden_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                 "num_key_value_heads": %d, "head_dim": %d, "intermediate_size": %d, "vocab_size": %d,
                 "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
                 "tie_word_embeddings": false, "eos_token_id": 2}
                """.formatted(hidden, layers, heads, kvHeads, headDim, ffn, vocabulary));
        SplittableRandom random = new SplittableRandom(seed);
        c.add(random, "model.embed_tokens.weight", vocabulary, hidden, 1);
        for (int l = 0; l < layers; l++) {
            String p = "model.layers." + l + ".";
            c.addNorm(random, p + "input_layernorm.weight", hidden);
            c.add(random, p + "self_attn.q_proj.weight", heads * headDim, hidden, 1.5 / Math.sqrt(hidden));
            c.add(random, p + "self_attn.k_proj.weight", kvHeads * headDim, hidden, 1.5 / Math.sqrt(hidden));
            c.add(random, p + "self_attn.v_proj.weight", kvHeads * headDim, hidden, 1.5 / Math.sqrt(hidden));
            c.add(random, p + "self_attn.o_proj.weight", hidden, heads * headDim, 1.5 / Math.sqrt(heads * headDim));
            c.addNorm(random, p + "post_attention_layernorm.weight", hidden);
            c.add(random, p + "mlp.gate_proj.weight", ffn, hidden, 1.5 / Math.sqrt(hidden));
            c.add(random, p + "mlp.up_proj.weight", ffn, hidden, 1.5 / Math.sqrt(hidden));
            c.add(random, p + "mlp.down_proj.weight", hidden, ffn, 1.5 / Math.sqrt(ffn));
        }
        c.addNorm(random, "model.norm.weight", hidden);
        c.add(random, "lm_head.weight", vocabulary, hidden, 1.5 / Math.sqrt(hidden));
        return c;
    }

    private void add(SplittableRandom random, String name, int rows, int columns, double deviation) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * deviation);
        }
        shapes.put(name, new long[] {rows, columns});
        tensors.put(name, values);
    }

    private void addNorm(SplittableRandom random, String name, int size) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (1 + 0.2 * random.nextGaussian());
        }
        shapes.put(name, new long[] {size});
        tensors.put(name, values);
    }

    /** Applies a change, a planted fault perhaps. */
    TestCheckpoint with(Consumer<TestCheckpoint> change) {
        change.accept(this);
        return this;
    }

    /** Writes {@code config.json} and one F32 {@code model.safetensors}. */
    Path write(Path dir) {
        try {
            Files.createDirectories(dir);
            Files.writeString(dir.resolve("config.json"), config);
            Files.write(dir.resolve("model.safetensors"), safetensors());
            return dir;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    byte[] safetensors() {
        StringBuilder header = new StringBuilder("{");
        long offset = 0;
        for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
            long[] shape = Objects.requireNonNull(shapes.get(tensor.getKey()));
            String shapeText = shape.length == 1 ? "[%d]".formatted(shape[0]) : "[%d,%d]".formatted(shape[0], shape[1]);
            long end = offset + 4L * tensor.getValue().length;
            header.append(header.length() == 1 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(tensor.getKey(), shapeText, offset, end));
            offset = end;
        }
        byte[] head = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + head.length + (int) offset).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(head.length).put(head);
        tensors.values().forEach(values -> {
            for (float value : values) {
                file.putFloat(value);
            }
        });
        return file.array();
    }
}
