package io.altiplano.worker.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One safetensors file, mapped read-only: 8 bytes of header length, a JSON header {@code {name: {dtype, shape, data_offsets}}},
 * then the data. Everything the header claims is checked against the file before any value is read.
 */
final class SafetensorsFile {
    private static final long MAX_HEADER_BYTES = 100L << 20;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .build();

    private SafetensorsFile() {}

    /**
     * Maps the file and reads its header.
     *
     * @return tensors by name
     * @throws InvalidCheckpointException if the file is not well-formed, or a tensor is not a number, vector or matrix of
     *     BF16, F16, F32 or E4M3, naming the tensor
     */
    static Map<String, Tensor> open(Path file, Arena arena) {
        MemorySegment all = map(file, arena);
        if (all.byteSize() < 8) {
            throw new InvalidCheckpointException(
                    "%s is truncated: %d bytes, not even a header length".formatted(file, all.byteSize()));
        }
        long length = all.get(LENGTH, 0);
        if (length < 2 || length > MAX_HEADER_BYTES || length > all.byteSize() - 8) {
            throw new InvalidCheckpointException(
                    "%s: header length %d is impossible in a file of %d bytes (truncated, or not safetensors)"
                            .formatted(file, length, all.byteSize()));
        }
        JsonNode header = header(file, all.asSlice(8, length));
        MemorySegment data = all.asSlice(8 + length);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : header.properties()) {
            if (!entry.getKey().equals("__metadata__")) {
                tensors.put(entry.getKey(), tensor(file, entry.getKey(), entry.getValue(), data));
            }
        }
        refuseOverlaps(file, tensors.values());
        return tensors;
    }

    private static void refuseOverlaps(Path file, Collection<Tensor> tensors) {
        List<Tensor> inOrder = tensors.stream()
                .sorted(Comparator.comparingLong(t -> t.data().address()))
                .toList();
        for (int i = 1; i < inOrder.size(); i++) {
            Tensor before = inOrder.get(i - 1);
            if (before.data().address() + before.data().byteSize()
                    > inOrder.get(i).data().address()) {
                throw new InvalidCheckpointException("%s: tensors %s and %s lie over each other"
                        .formatted(file, before.name(), inOrder.get(i).name()));
            }
        }
    }

    private static MemorySegment map(Path file, Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (java.nio.file.NoSuchFileException e) {
            throw new InvalidCheckpointException(file + " is missing", e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + " cannot be read: " + e, e);
        }
    }

    private static JsonNode header(Path file, MemorySegment bytes) {
        try {
            JsonNode header = JSON.readTree(bytes.toArray(ValueLayout.JAVA_BYTE));
            if (header == null || !header.isObject()) {
                throw new InvalidCheckpointException(file + ": the header is not a JSON object");
            }
            return header;
        } catch (JsonProcessingException e) {
            throw new InvalidCheckpointException(file + ": the header is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new InvalidCheckpointException(file + ": the header cannot be read: " + e, e);
        }
    }

    private static Tensor tensor(Path file, String name, JsonNode entry, MemorySegment data) {
        String where = "%s: tensor %s".formatted(file, name);
        List<Long> shape = shape(where, entry.path("shape"));
        JsonNode offsets = entry.path("data_offsets");
        if (offsets.size() != 2
                || !offsets.path(0).isIntegralNumber()
                || !offsets.path(1).isIntegralNumber()) {
            throw new InvalidCheckpointException(where + " has no data_offsets");
        }
        long from = offsets.path(0).longValue();
        long to = offsets.path(1).longValue();
        if (from < 0
                || to < from
                || !offsets.path(0).canConvertToLong()
                || !offsets.path(1).canConvertToLong()) {
            throw new InvalidCheckpointException("%s has impossible offsets %s".formatted(where, offsets));
        }
        if (to > data.byteSize()) {
            throw new InvalidCheckpointException(
                    "%s ends at byte %d of the data, but the file holds %d: it is truncated"
                            .formatted(where, to, data.byteSize()));
        }
        String dtype = entry.path("dtype").asText("");
        StoredType type = StoredType.of(dtype);
        if (type == null) {
            throw new InvalidCheckpointException(
                    "%s has dtype '%s': only BF16, F16, F32 and F8_E4M3 can be loaded".formatted(where, dtype));
        }
        long values = 1;
        for (long size : shape) {
            values *= size;
        }
        if (values > data.byteSize() || values * type.bytes() != to - from) {
            throw new InvalidCheckpointException("%s of shape %s and dtype %s does not take the %d bytes of its offsets"
                    .formatted(where, shape, dtype, to - from));
        }
        return new Tensor(name, file, type, shape, data.asSlice(from, to - from));
    }

    private static List<Long> shape(String where, JsonNode node) {
        List<Long> shape = new ArrayList<>();
        for (JsonNode size : node) {
            if (!size.isIntegralNumber() || size.longValue() <= 0 || size.longValue() > Integer.MAX_VALUE) {
                throw new InvalidCheckpointException("%s has an impossible shape %s".formatted(where, node));
            }
            shape.add(size.longValue());
        }
        if (!node.isArray() || shape.size() > 2) {
            throw new InvalidCheckpointException(
                    "%s has shape %s: only numbers, vectors and matrices are used".formatted(where, node));
        }
        return shape.isEmpty() ? List.of(1L) : List.copyOf(shape);
    }
}
