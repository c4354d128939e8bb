package io.altiplano.worker.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.tensor.FloatRows;
import java.io.IOException;
import java.io.UncheckedIOException;
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
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The tensors of a Hugging Face checkpoint directory: {@code model.safetensors}, or the shards that {@code
 * model.safetensors.index.json} names. The files stay mapped until {@link #close}.
 */
public final class Checkpoint implements TensorSource {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final long HASH_STEP = 1L << 26;

    private final Path dir;
    private final Arena arena;
    private final Map<String, Tensor> tensors;
    private final Map<String, Boolean> fitsBf16 = new ConcurrentHashMap<>();

    private Checkpoint(Path dir, Arena arena, Map<String, Tensor> tensors) {
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
            return new Checkpoint(dir, arena, tensors);
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
            if (!name.endsWith(".safetensors")
                    || !Path.of(name).equals(Path.of(name).getFileName())) {
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

    private static JsonNode weightMap(Path index) {
        try {
            JsonNode map =
                    new ObjectMapper().readTree(Files.readAllBytes(index)).path("weight_map");
            if (!map.isObject()) {
                throw new InvalidCheckpointException(index + " has no weight_map");
            }
            return map;
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(index + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public FloatRows matrix(String name, int rows, int columns) {
        return require(name, List.of((long) rows, (long) columns));
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
        return tensor != null && fitsBf16.computeIfAbsent(name, n -> tensor.fitsBf16());
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
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
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
