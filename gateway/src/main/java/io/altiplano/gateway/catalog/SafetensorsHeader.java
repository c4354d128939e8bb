package io.altiplano.gateway.catalog;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors that a safetensors file declares. The format: 8 bytes little-endian length, a JSON object of that length
 * (name to dtype, shape, data_offsets), the data.
 */
final class SafetensorsHeader {
    private static final int LONGEST = 100 << 20;
    private static final Map<String, Integer> BYTES = Map.of("BF16", 2, "F32", 4, "F16", 2);
    private static final ObjectMapper JSON = new ObjectMapper();

    private SafetensorsHeader() {}

    /**
     * Each tensor's shape, by its name.
     *
     * @throws InvalidCheckpointException if the header is not one, or names data that the file does not have
     */
    static Map<String, List<Long>> read(Path file) throws IOException, InvalidCheckpointException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            long length = size < 8 ? -1 : number(channel);
            if (length < 2 || length > LONGEST || 8 + length > size) {
                throw broken(file, "its header's length is not one");
            }
            ByteBuffer header = ByteBuffer.allocate((int) length);
            fill(channel, header, 8);
            JsonNode json = JSON.readTree(header.array());
            if (json == null || !json.isObject()) {
                throw broken(file, "its header is not a JSON object");
            }
            Map<String, List<Long>> tensors = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> entry : json.properties()) {
                if (!entry.getKey().equals("__metadata__")) {
                    tensors.put(entry.getKey(), shape(file, entry.getKey(), entry.getValue(), size - 8 - length));
                }
            }
            return tensors;
        } catch (JsonProcessingException e) {
            throw broken(file, "its header is not JSON");
        }
    }

    private static List<Long> shape(Path file, String name, JsonNode tensor, long dataBytes)
            throws InvalidCheckpointException {
        String type = tensor.path("dtype").asText();
        Integer bytes = BYTES.get(type);
        if (bytes == null) {
            throw new InvalidCheckpointException(file.getFileName() + ": tensor " + name + " is of type '" + type
                    + "'; BF16, F16 and F32 can be imported");
        }
        List<Long> shape = new ArrayList<>();
        long elements = 1;
        for (JsonNode dimension : tensor.path("shape")) {
            shape.add(dimension.asLong());
            elements = Math.multiplyExact(elements, dimension.asLong());
        }
        long from = tensor.path("data_offsets").path(0).asLong(-1);
        long to = tensor.path("data_offsets").path(1).asLong(-1);
        if (from < 0 || to > dataBytes || to - from != elements * bytes) {
            throw broken(file, "tensor " + name + " does not have the bytes that its shape says");
        }
        return shape;
    }

    private static long number(FileChannel channel) throws IOException {
        ByteBuffer eight = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        fill(channel, eight, 0);
        return eight.getLong(0);
    }

    private static void fill(FileChannel channel, ByteBuffer buffer, long from) throws IOException {
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, from + buffer.position()) < 0) {
                throw new IOException("the file ended while it was read");
            }
        }
    }

    private static InvalidCheckpointException broken(Path file, String how) {
        return new InvalidCheckpointException(
                file.getFileName() + ": " + how + "; the file is damaged or cut off: download it again");
    }
}
