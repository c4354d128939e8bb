package io.altiplano.worker.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.ActivationScaling;
import io.altiplano.worker.tensor.FloatRows;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a Hugging Face checkpoint directory: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. The files stay mapped until {@link #close}.
 */
public final class Checkpoint implements TensorSource {
    /** The index of Llama 3.1 405B has 100 KB. */
    private static final long MOST_INDEX_BYTES = 16 << 20;

    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    /** A plain name beside the index: no folder, no way up. */
    private static final Pattern FILE = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}\\.safetensors");

    private static final long SAMPLE_BYTES = 4096;
    private static final long HASH_STEP = 1L << 26;

    private final Path dir;
    private final Arena arena;
    private final Map<String, Tensor> tensors;
    private final @Nullable Fp8Scheme scheme;
    private final Map<String, Boolean> fitsBf16 = new ConcurrentHashMap<>();
    private final Map<String, float[]> scales = new ConcurrentHashMap<>();

    private Checkpoint(Path dir, Arena arena, Map<String, Tensor> tensors, @Nullable Fp8Scheme scheme) {
        this.scheme = scheme;
        this.dir = dir;
        this.arena = arena;
        this.tensors = tensors;
    }

    /**
     * Maps the checkpoint's files and checks their headers.
     *
     * @throws InvalidCheckpointException naming the file and the tensor that is wrong
     */
    public static Checkpoint open(Path dir) {
        Arena arena = Arena.ofShared();
        try {
            Map<String, Tensor> tensors = Files.isRegularFile(dir.resolve(INDEX))
                    ? sharded(dir, arena)
                    : SafetensorsFile.open(dir.resolve(SINGLE), arena);
            return new Checkpoint(dir, arena, tensors, Fp8Scheme.read(dir));
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Maps one safetensors file, whatever lies beside it.
     *
     * @throws InvalidCheckpointException naming the file and the tensor that is wrong
     */
    public static Checkpoint ofFile(Path file) {
        Arena arena = Arena.ofShared();
        try {
            return new Checkpoint(file, arena, SafetensorsFile.open(file, arena), null);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    private static Map<String, Tensor> sharded(Path dir, Arena arena) {
        Path index = dir.resolve(INDEX);
        JsonNode map = weightMap(index);
        Map<String, Map<String, Tensor>> files = new HashMap<>();
        Map<String, Tensor> tensors = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            String name = entry.getValue().asText("");
            if (!FILE.matcher(name).matches()) {
                throw new InvalidCheckpointException(
                        "%s: tensor %s is in '%s', which is not a safetensors file beside the index"
                                .formatted(index, entry.getKey(), name));
            }
            Map<String, Tensor> file = files.computeIfAbsent(name, n -> SafetensorsFile.open(dir.resolve(n), arena));
            Tensor tensor = file.get(entry.getKey());
            if (tensor == null) {
                throw new InvalidCheckpointException("%s: tensor %s is missing, though %s says it is there"
                        .formatted(dir.resolve(name), entry.getKey(), INDEX));
            }
            tensors.put(entry.getKey(), tensor);
        }
        return tensors;
    }

    private static byte[] bounded(Path index) throws IOException {
        if (Files.size(index) > MOST_INDEX_BYTES) {
            throw new InvalidCheckpointException(
                    index + " is larger than " + (MOST_INDEX_BYTES >> 20) + " MiB: no index of safetensors files");
        }
        return Files.readAllBytes(index);
    }

    private static JsonNode weightMap(Path index) {
        try {
            JsonNode map = new ObjectMapper().readTree(bounded(index)).path("weight_map");
            if (!map.isObject()) {
                throw new InvalidCheckpointException(index + " has no weight_map");
            }
            return map;
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(index + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(index + " cannot be read: " + e, e);
        }
    }

    @Override
    public FloatRows matrix(String name, int rows, int columns) {
        Tensor tensor = require(name, List.of((long) rows, (long) columns));
        return new Values(tensor, tensor.type() == StoredType.F8_E4M3 ? scales(tensor) : null);
    }

    /** A tensor's values, E4M3 ones times their row's scale; what is no finite number is refused when it is read. */
    private record Values(Tensor tensor, float @Nullable [] scales) implements FloatRows {
        @Override
        public int rows() {
            return tensor.rows();
        }

        @Override
        public int columns() {
            return tensor.columns();
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            tensor.read(row, from, count, out, offset);
            float scale = scales == null ? 1f : scales[row];
            for (int i = offset; i < offset + count; i++) {
                out[i] *= scale;
                if (!Float.isFinite(out[i])) {
                    throw new InvalidCheckpointException("%s: tensor %s: a weight of row %d is %s"
                            .formatted(tensor.file(), tensor.name(), row, out[i]));
                }
            }
        }
    }

    @Override
    public @Nullable Fp8Rows fp8(String name) {
        Tensor tensor = tensors.get(name);
        if (tensor == null || tensor.type() != StoredType.F8_E4M3) {
            return null;
        }
        float[] rowScales = scales(tensor);
        Fp8Scheme known = Objects.requireNonNull(scheme, "scales are refused without a scheme");
        String module = module(tensor);
        return switch (known.input()) {
            case UNQUANTIZED -> null;
            case FIXED ->
                new Fp8Rows(rowScales, new ActivationScaling(Float.POSITIVE_INFINITY, number(module + ".input_scale")));
            case PER_TOKEN -> {
                String bound = module + ".input_scale_ub";
                yield new Fp8Rows(
                        rowScales,
                        new ActivationScaling(tensors.containsKey(bound) ? number(bound) : known.bound(), 0));
            }
        };
    }

    @Override
    public boolean quantized() {
        return scheme != null;
    }

    /** The scale of each row of an FP8 matrix; all the same where the checkpoint has one for the whole. */
    private float[] scales(Tensor tensor) {
        return scales.computeIfAbsent(tensor.name(), n -> readScales(tensor));
    }

    private float[] readScales(Tensor tensor) {
        if (scheme == null) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s is F8_E4M3, but config.json has no quantization_config that says how to use it"
                            .formatted(tensor.file(), tensor.name()));
        }
        String name = module(tensor) + ".weight_scale";
        Tensor stored = tensors.get(name);
        if (stored == null) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s is missing: the scales of %s".formatted(dir, name, tensor.name()));
        }
        long values = (long) stored.rows() * stored.columns();
        if (stored.type() == StoredType.F8_E4M3
                || (values != 1 && (values != tensor.rows() || (stored.rows() != 1 && stored.columns() != 1)))) {
            throw new InvalidCheckpointException("%s: tensor %s of shape %s and type %s is no scale a row of %s"
                    .formatted(stored.file(), name, stored.shape(), stored.type(), tensor.name()));
        }
        float[] rows = new float[tensor.rows()];
        float[] one = new float[1];
        for (int n = 0; n < rows.length; n++) {
            int at = values == 1 ? 0 : n;
            stored.read(stored.rows() == 1 ? 0 : at, stored.rows() == 1 ? at : 0, 1, one, 0);
            rows[n] = requireScale(stored, at, one[0]);
        }
        return rows;
    }

    private float number(String name) {
        Tensor stored = require(name, List.of(1L));
        float[] one = new float[1];
        stored.read(0, 0, 1, one, 0);
        return requireScale(stored, 0, one[0]);
    }

    /** Products with E4M3 values stay normal numbers within these bounds. */
    private static float requireScale(Tensor stored, int at, float scale) {
        if (!(scale >= 0x1p-100f && scale <= 0x1p100f)) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s holds the scale %s at %d: scales are positive numbers of ordinary size"
                            .formatted(stored.file(), stored.name(), scale, at));
        }
        return scale;
    }

    private static String module(Tensor tensor) {
        return tensor.name().endsWith(".weight")
                ? tensor.name().substring(0, tensor.name().length() - ".weight".length())
                : tensor.name();
    }

    @Override
    public float[] vector(String name, int size) {
        Tensor tensor = require(name, List.of((long) size));
        float[] values = new float[size];
        tensor.read(0, 0, size, values, 0);
        for (float value : values) {
            if (!Float.isFinite(value)) {
                throw new InvalidCheckpointException("%s: tensor %s holds %s".formatted(tensor.file(), name, value));
            }
        }
        return values;
    }

    @Override
    public boolean fitsBf16(String name) {
        Tensor tensor = tensors.get(name);
        return tensor != null
                && tensor.type() != StoredType.F8_E4M3
                && fitsBf16.computeIfAbsent(name, n -> tensor.fitsBf16());
    }

    @Override
    public String where() {
        return dir.toString();
    }

    private Tensor require(String name, List<Long> shape) {
        Tensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new InvalidCheckpointException("%s: tensor %s is missing".formatted(dir, name));
        }
        if (!tensor.shape().equals(shape)) {
            throw new InvalidCheckpointException("%s: tensor %s has shape %s, the configuration needs %s"
                    .formatted(tensor.file(), name, tensor.shape(), shape));
        }
        return tensor;
    }

    @Override
    public String sha256() {
        MessageDigest digest = sha256Digest();
        for (Tensor tensor : new TreeMap<>(tensors).values()) {
            String head = "%s %s %s\n".formatted(tensor.name(), tensor.type(), tensor.shape());
            digest.update(head.getBytes(StandardCharsets.UTF_8));
            MemorySegment data = tensor.data();
            for (long at = 0; at < data.byteSize(); at += HASH_STEP) {
                ByteBuffer part = data.asSlice(at, Math.min(HASH_STEP, data.byteSize() - at))
                        .asByteBuffer();
                digest.update(part);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * A hash over names, types, shapes and the first and last bytes of every tensor: other weights have another, and it is
     * found without reading them all.
     */
    public String sampleSha256() {
        MessageDigest digest = sha256Digest();
        for (Tensor tensor : new TreeMap<>(tensors).values()) {
            String head = "%s %s %s\n".formatted(tensor.name(), tensor.type(), tensor.shape());
            digest.update(head.getBytes(StandardCharsets.UTF_8));
            long size = tensor.data().byteSize();
            long sample = Math.min(size, SAMPLE_BYTES);
            digest.update(tensor.data().asSlice(0, sample).asByteBuffer());
            digest.update(tensor.data().asSlice(size - sample).asByteBuffer());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Rows of a tensor, 0 if there is none of this name. */
    public int rows(String name) {
        Tensor tensor = tensors.get(name);
        return tensor == null ? 0 : tensor.rows();
    }

    /** Names of the tensors, sorted. */
    public TreeSet<String> names() {
        return new TreeSet<>(tensors.keySet());
    }

    /** Unmaps the files; matrices that were handed out can no longer be read. */
    @Override
    public void close() {
        arena.close();
    }
}
