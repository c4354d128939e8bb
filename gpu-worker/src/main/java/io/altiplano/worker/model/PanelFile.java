package io.altiplano.worker.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.kernel.ActivationScaling;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.weights.Checkpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's matrices in a backend's own layout, beside its safetensors: for one number of ranks, mapped and used where they
 * lie. The file says which weights it was made from; a checkpoint with others refuses it.
 *
 * <pre>
 *   8 bytes "ALTPANEL", 8 bytes header length, JSON header, then the matrices, each at a multiple of 64 bytes:
 *   {"layout", "ranks", "sample", "sha256",
 *    "matrices": [{"<tensor names>": {"type", "rows", "offset", "bytes", "scales", "bound", "fixed"}}, ... a rank]}
 * </pre>
 */
final class PanelFile {
    private static final byte[] MAGIC = "ALTPANEL".getBytes(StandardCharsets.US_ASCII);
    private static final int ALIGNMENT = 64;
    private static final long MOST_HEADER = 100L << 20;
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final Kernels kernels;
    private final JsonNode header;
    private final MemorySegment data;

    private PanelFile(Path file, Kernels kernels, JsonNode header, MemorySegment data) {
        this.file = file;
        this.kernels = kernels;
        this.header = header;
        this.data = data;
    }

    static Path of(Path dir, int ranks) {
        return dir.resolve("model-tp" + ranks + ".panels");
    }

    /**
     * Maps the file for so many ranks; null if there is none, or the backend keeps no such layout.
     *
     * @param arena owns the mapping
     * @throws InvalidCheckpointException if it is damaged, or was made from other weights
     */
    static @Nullable PanelFile open(Path dir, Checkpoint checkpoint, int ranks, Kernels kernels, Arena arena) {
        Path file = of(dir, ranks);
        if (kernels.layout().isEmpty() || !Files.isRegularFile(file)) {
            return null;
        }
        MemorySegment all;
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + " cannot be read: " + e, e);
        }
        long length = all.byteSize() < 16 ? -1 : all.get(I64, 8);
        if (length < 2
                || length > Math.min(MOST_HEADER, all.byteSize() - 16)
                || all.asSlice(0, 8).mismatch(MemorySegment.ofArray(MAGIC)) >= 0) {
            throw new InvalidCheckpointException(file + " is truncated, or no file of panels");
        }
        JsonNode header = header(file, all.asSlice(16, length));
        if (!header.path("layout").asText().equals(kernels.layout())
                || header.path("ranks").asInt() != ranks
                || header.path("matrices").size() != ranks) {
            throw new InvalidCheckpointException("%s has the layout %s for %s ranks, not %s for %d: write it anew"
                    .formatted(file, header.path("layout"), header.path("ranks"), kernels.layout(), ranks));
        }
        if (!header.path("sample").asText().equals(checkpoint.sampleSha256())) {
            throw new InvalidCheckpointException(
                    file + " was made from other weights than those beside it: delete it, or write it anew");
        }
        return new PanelFile(file, kernels, header, all.asSlice(Math.min(all.byteSize(), aligned(16 + length))));
    }

    private static JsonNode header(Path file, MemorySegment bytes) {
        try {
            return new ObjectMapper().readTree(bytes.toArray(ValueLayout.JAVA_BYTE));
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(file + ": the header is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + ": the header cannot be read: " + e, e);
        }
    }

    /** {@link io.altiplano.worker.weights.TensorSource#sha256} of the weights that it was made from. */
    String weightsSha256() {
        return header.path("sha256").asText();
    }

    /**
     * One rank's matrix.
     *
     * @param names of its tensors, as the loader joins them
     * @param rows that the configuration needs
     * @throws InvalidCheckpointException if it is not there as needed
     */
    RankWeights.Linear linear(int rank, String names, int rows, Slicing slicing) {
        JsonNode entry = header.path("matrices").path(rank).path(names);
        try {
            WeightType type = WeightType.valueOf(entry.path("type").asText());
            if (entry.path("rows").asInt(-1) != rows) {
                throw new IllegalArgumentException(
                        "%s rows, the configuration needs %d".formatted(entry.path("rows"), rows));
            }
            float[] scales = type == WeightType.F8 ? scales(entry, rows) : null;
            MemorySegment memory =
                    slice(entry.path("offset"), entry.path("bytes").asLong(-1));
            ActivationScaling activations = new ActivationScaling(
                    entry.path("bound").isNumber() ? entry.path("bound").floatValue() : Float.POSITIVE_INFINITY,
                    entry.path("fixed").floatValue());
            return new RankWeights.Linear(kernels.adopt(memory, rows, type, slicing, scales), activations);
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s of rank %d: %s".formatted(file, names, rank, e.getMessage()), e);
        }
    }

    private float[] scales(JsonNode entry, int rows) {
        float[] scales = slice(entry.path("scales"), 4L * rows).toArray(F32);
        for (float scale : scales) {
            if (!(scale > 0) || Float.isInfinite(scale)) {
                throw new IllegalArgumentException("a scale is " + scale);
            }
        }
        return scales;
    }

    private MemorySegment slice(JsonNode offset, long bytes) {
        long at = offset.asLong(-1);
        if (at < 0 || at % ALIGNMENT != 0 || bytes < 0 || at > data.byteSize() || bytes > data.byteSize() - at) {
            throw new IllegalArgumentException(
                    "%d bytes at %s are not in the file's %d".formatted(bytes, offset, data.byteSize()));
        }
        return data.asSlice(at, bytes);
    }

    /**
     * Writes the file of a loaded model.
     *
     * @param byRank the matrices of each rank by their tensors' names
     */
    static void write(
            Path dir,
            Checkpoint checkpoint,
            String sha256,
            Kernels kernels,
            List<Map<String, RankWeights.Linear>> byRank) {
        ObjectNode header = new ObjectMapper().createObjectNode();
        header.put("layout", kernels.layout()).put("ranks", byRank.size());
        header.put("sample", checkpoint.sampleSha256()).put("sha256", sha256);
        long offset = 0;
        for (Map<String, RankWeights.Linear> rank : byRank) {
            ObjectNode matrices = header.withArray("matrices").addObject();
            for (Map.Entry<String, RankWeights.Linear> entry : rank.entrySet()) {
                PackedMatrix matrix = entry.getValue().matrix();
                ObjectNode node = matrices.putObject(entry.getKey());
                node.put("type", matrix.type().name()).put("rows", matrix.rows());
                node.put("offset", offset).put("bytes", matrix.memory().byteSize());
                offset += aligned(matrix.memory().byteSize());
                if (matrix.type() == WeightType.F8) {
                    node.put("scales", offset);
                    offset += aligned(4L * matrix.rows());
                }
                ActivationScaling activations = entry.getValue().activations();
                if (Float.isFinite(activations.bound())) {
                    node.put("bound", activations.bound());
                }
                node.put("fixed", activations.fixed());
            }
        }
        try (FileChannel out =
                FileChannel.open(of(dir, byRank.size()), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
            ByteBuffer head =
                    ByteBuffer.allocate((int) aligned(16L + json.length)).order(ByteOrder.LITTLE_ENDIAN);
            put(out, head.put(MAGIC).putLong(json.length).put(json).rewind());
            for (Map<String, RankWeights.Linear> rank : byRank) {
                for (RankWeights.Linear linear : rank.values()) {
                    put(out, linear.matrix());
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(of(dir, byRank.size()) + " cannot be written: " + e, e);
        }
    }

    private static void put(FileChannel out, PackedMatrix matrix) throws IOException {
        MemorySegment memory = matrix.memory();
        for (long at = 0; at < memory.byteSize(); at += 1 << 26) {
            put(
                    out,
                    memory.asSlice(at, Math.min(1 << 26, memory.byteSize() - at))
                            .asByteBuffer());
        }
        put(out, ByteBuffer.allocate((int) (aligned(memory.byteSize()) - memory.byteSize())));
        if (matrix.type() == WeightType.F8) {
            ByteBuffer scales =
                    ByteBuffer.allocate((int) aligned(4L * matrix.rows())).order(ByteOrder.LITTLE_ENDIAN);
            scales.asFloatBuffer().put(matrix.rowScales());
            put(out, scales);
        }
    }

    private static void put(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
