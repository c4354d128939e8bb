package io.altiplano.worker.weights;

import io.altiplano.tokenizer.GgufFile;
import io.altiplano.tokenizer.InvalidGgufException;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a GGUF file of the Llama architecture by their Hugging Face names: F32, F16, BF16 and Q8_0 (32 signed bytes with one
 * F16 factor). llama.cpp rotates neighbouring values of a head where Hugging Face rotates its halves, so its converter permutes
 * the rows of q and k; they are read back in Hugging Face's order.
 */
public final class GgufCheckpoint implements TensorSource {
    private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)\\.weight");
    private static final Map<String, String> IN_LAYER = Map.of(
            "self_attn.q_proj", "attn_q",
            "self_attn.k_proj", "attn_k",
            "self_attn.v_proj", "attn_v",
            "self_attn.o_proj", "attn_output",
            "mlp.gate_proj", "ffn_gate",
            "mlp.up_proj", "ffn_up",
            "mlp.down_proj", "ffn_down",
            "input_layernorm", "attn_norm",
            "post_attention_layernorm", "ffn_norm");
    private static final Map<String, String> OUTSIDE = Map.of(
            "model.embed_tokens.weight", "token_embd.weight",
            "model.norm.weight", "output_norm.weight",
            "lm_head.weight", "output.weight");
    private static final String ROPE = "rope_freqs.weight";
    private static final long HASH_STEP = 1L << 26;

    private final GgufFile file;
    private final Arena arena;
    private final Map<String, Boolean> fitsBf16 = new ConcurrentHashMap<>();

    private GgufCheckpoint(GgufFile file, Arena arena) {
        this.file = file;
        this.arena = arena;
    }

    /** What a tensor is stored as: ggml's number, values and bytes of a block. */
    private enum Stored {
        F32(0, 1, 4),
        F16(1, 1, 2),
        Q8_0(8, 32, 34),
        BF16(30, 1, 2);

        final int number;
        final int values;
        final int bytes;

        Stored(int number, int values, int bytes) {
            this.number = number;
            this.values = values;
            this.bytes = bytes;
        }

        static @Nullable Stored of(int number) {
            for (Stored type : values()) {
                if (type.number == number) {
                    return type;
                }
            }
            return null;
        }
    }

    /**
     * Maps the file.
     *
     * @throws InvalidCheckpointException naming what is wrong with it
     */
    public static GgufCheckpoint open(Path file) {
        Arena arena = Arena.ofShared();
        try {
            return new GgufCheckpoint(GgufFile.open(file, arena), arena);
        } catch (InvalidGgufException e) {
            arena.close();
            throw new InvalidCheckpointException(String.valueOf(e.getMessage()), e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** Metadata and descriptions. */
    public GgufFile file() {
        return file;
    }

    /** Whether there is a tensor of this Hugging Face name. */
    public boolean has(String name) {
        return file.tensors().containsKey(gguf(name));
    }

    @Override
    public FloatRows matrix(String name, int rows, int columns) {
        Values values = values(gguf(name), rows, columns);
        if (name.endsWith("q_proj.weight")) {
            return permuted(values, "llama.attention.head_count", name);
        }
        if (name.endsWith("k_proj.weight")) {
            boolean grouped = file.number("llama.attention.head_count_kv").isPresent();
            return permuted(values, grouped ? "llama.attention.head_count_kv" : "llama.attention.head_count", name);
        }
        return values;
    }

    private FloatRows permuted(Values values, String key, String name) {
        long heads = file.number(key).orElse(0);
        if (heads < 1 || values.rows() % (2 * heads) != 0) {
            throw new InvalidCheckpointException("%s: %s is %d, and tensor %s has %d rows"
                    .formatted(file.path(), key, heads, gguf(name), values.rows()));
        }
        return new Unpermuted(values, (int) (values.rows() / heads));
    }

    /** Row j·half + i of a head lies at row 2i + j. */
    private record Unpermuted(FloatRows stored, int headDim) implements FloatRows {
        @Override
        public int rows() {
            return stored.rows();
        }

        @Override
        public int columns() {
            return stored.columns();
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            int half = headDim / 2;
            int within = row % headDim;
            int storedRow = row - within + 2 * (within % half) + within / half;
            stored.read(storedRow, from, count, out, offset);
        }
    }

    @Override
    public float[] vector(String name, int size) {
        Values values = values(gguf(name), 1, size);
        float[] out = new float[size];
        values.read(0, 0, size, out, 0);
        return out;
    }

    @Override
    public float @Nullable [] ropeFactors(int pairs) {
        if (!file.tensors().containsKey(ROPE)) {
            return null;
        }
        float[] factors = new float[pairs];
        values(ROPE, 1, pairs).read(0, 0, pairs, factors, 0);
        for (float factor : factors) {
            if (!(factor > 0)) {
                throw new InvalidCheckpointException(
                        "%s: tensor %s holds %s: factors are positive".formatted(file.path(), ROPE, factor));
            }
        }
        return factors;
    }

    private Values values(String name, int rows, int columns) {
        GgufFile.TensorInfo info = file.tensors().get(name);
        if (info == null) {
            throw new InvalidCheckpointException("%s: tensor %s is missing".formatted(file.path(), name));
        }
        List<Long> needed = rows == 1 ? List.of((long) columns) : List.of((long) columns, (long) rows);
        if (!info.shape().equals(needed)) {
            throw new InvalidCheckpointException("%s: tensor %s has shape %s, the configuration needs %s"
                    .formatted(file.path(), name, info.shape(), needed));
        }
        Stored type = Stored.of(info.type());
        if (type == null || columns % type.values != 0) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s of %d columns has ggml type %d: F32, F16, BF16 and Q8_0 (columns in 32s) can be loaded"
                            .formatted(file.path(), name, columns, info.type()));
        }
        long bytes = (long) rows * columns / type.values * type.bytes;
        MemorySegment data = file.data();
        if (info.offset() < 0 || info.offset() > data.byteSize() || bytes > data.byteSize() - info.offset()) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s of %d bytes at %d is not within the file's %d: it is truncated"
                            .formatted(file.path(), name, bytes, info.offset(), data.byteSize()));
        }
        return new Values(file.path(), name, type, rows, columns, data.asSlice(info.offset(), bytes));
    }

    private record Values(Path file, String name, Stored type, int rows, int columns, MemorySegment data)
            implements FloatRows {
        private static final ValueLayout.OfFloat I32 =
                ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        private static final ValueLayout.OfShort I16 =
                ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            long first = (long) row * columns + from;
            for (int i = 0; i < count; i++) {
                float value = value(first + i);
                if (!Float.isFinite(value)) {
                    throw new InvalidCheckpointException(
                            "%s: tensor %s: a weight of row %d is %s".formatted(file, name, row, value));
                }
                out[offset + i] = value;
            }
        }

        private float value(long at) {
            return switch (type) {
                case F32 -> data.get(I32, 4 * at);
                case F16 -> Float.float16ToFloat(data.get(I16, 2 * at));
                case BF16 -> Bf16.decode(data.get(I16, 2 * at));
                case Q8_0 -> {
                    long block = at / 32 * 34;
                    yield data.get(ValueLayout.JAVA_BYTE, block + 2 + at % 32)
                            * Float.float16ToFloat(data.get(I16, block));
                }
            };
        }
    }

    @Override
    public boolean fitsBf16(String name) {
        GgufFile.TensorInfo info = file.tensors().get(gguf(name));
        return info != null && fitsBf16.computeIfAbsent(name, n -> fitsBf16(info));
    }

    private boolean fitsBf16(GgufFile.TensorInfo info) {
        if (info.type() == Stored.BF16.number) {
            return true;
        }
        if (info.shape().size() > 2) {
            return false;
        }
        int columns = Math.toIntExact(info.shape().getFirst());
        int rows = info.shape().size() == 1 ? 1 : Math.toIntExact(info.shape().getLast());
        Values values = values(info.name(), rows, columns);
        float[] row = new float[columns];
        for (int n = 0; n < rows; n++) {
            values.read(n, 0, columns, row, 0);
            for (float value : row) {
                if (!Bf16.isExact(value)) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public @Nullable Fp8Rows fp8(String name) {
        return null;
    }

    @Override
    public boolean quantized() {
        return false;
    }

    @Override
    public String where() {
        return file.path().toString();
    }

    /** Over descriptions and the whole data: GGUF files are not spread. */
    @Override
    public String sha256() {
        MessageDigest digest = Checkpoint.sha256Digest();
        for (GgufFile.TensorInfo info : new TreeMap<>(file.tensors()).values()) {
            digest.update("%s %d %s %d\n"
                    .formatted(info.name(), info.type(), info.shape(), info.offset())
                    .getBytes(StandardCharsets.UTF_8));
        }
        MemorySegment data = file.data();
        for (long at = 0; at < data.byteSize(); at += HASH_STEP) {
            digest.update(
                    data.asSlice(at, Math.min(HASH_STEP, data.byteSize() - at)).asByteBuffer());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    @Override
    public void close() {
        arena.close();
    }

    /** llama.cpp's name of a Hugging Face tensor; itself for one that has none. */
    private static String gguf(String name) {
        Matcher layer = LAYER.matcher(name);
        if (layer.matches()) {
            return "blk." + layer.group(1) + "." + IN_LAYER.getOrDefault(layer.group(2), layer.group(2)) + ".weight";
        }
        return OUTSIDE.getOrDefault(name, name);
    }
}
