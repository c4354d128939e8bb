package io.altiplano.worker.weights;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes safetensors files row by row: nothing larger than a row is held. */
public final class SafetensorsWriter {
    private SafetensorsWriter() {}

    /** Puts one row's bytes, in order. */
    private interface RowBytes {
        void put(int row, float[] values, ByteBuffer out);
    }

    /**
     * A tensor to write.
     *
     * @param name its name
     * @param type its dtype
     * @param shape its shape
     * @param source its values
     * @param bytes how a row of them is written
     */
    public record Entry(String name, StoredType type, List<Integer> shape, FloatRows source, RowBytes bytes) {
        /** Bytes of its data. */
        public long size() {
            return (long) source.rows() * source.columns() * type.bytes();
        }
    }

    /** A matrix as BF16, which must hold its values without loss, or as F32. */
    public static Entry matrix(String name, FloatRows source, boolean bf16) {
        return new Entry(
                name,
                bf16 ? StoredType.BF16 : StoredType.F32,
                List.of(source.rows(), source.columns()),
                source,
                bf16 ? SafetensorsWriter::bf16 : SafetensorsWriter::f32);
    }

    /** A vector of F32. */
    public static Entry vector(String name, float[] values) {
        return new Entry(
                name, StoredType.F32, List.of(values.length), new Column(values, true), SafetensorsWriter::f32);
    }

    /** A vector of BF16, which must hold its values without loss. */
    public static Entry bf16Vector(String name, float[] values) {
        return new Entry(
                name, StoredType.BF16, List.of(values.length), new Column(values, true), SafetensorsWriter::bf16);
    }

    /** A column of F32: shape [n, 1]. */
    public static Entry column(String name, float[] values) {
        return new Entry(
                name, StoredType.F32, List.of(values.length, 1), new Column(values, false), SafetensorsWriter::f32);
    }

    /** A matrix as E4M3: each value divided by its row's scale and rounded. */
    public static Entry fp8(String name, FloatRows source, float[] scales) {
        return new Entry(
                name, StoredType.F8_E4M3, List.of(source.rows(), source.columns()), source, (row, values, out) -> {
                    for (float value : values) {
                        out.put(E4m3.encode(value / scales[row]));
                    }
                });
    }

    private record Column(float[] values, boolean lying) implements FloatRows {
        @Override
        public int rows() {
            return lying ? 1 : values.length;
        }

        @Override
        public int columns() {
            return lying ? values.length : 1;
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            System.arraycopy(values, row + from, out, offset, count);
        }
    }

    private static void bf16(int row, float[] values, ByteBuffer out) {
        for (float value : values) {
            out.putShort(Bf16.encode(value));
        }
    }

    private static void f32(int row, float[] values, ByteBuffer out) {
        for (float value : values) {
            out.putFloat(value);
        }
    }

    /**
     * Writes the checkpoint's tensors, in one file or in shards of about {@code shardBytes} with their index.
     *
     * @throws InvalidCheckpointException naming the tensor, if a value is not finite
     */
    public static void write(Path dir, List<Entry> entries, long shardBytes) throws IOException {
        List<List<Entry>> shards = new ArrayList<>();
        long size = 0;
        for (Entry entry : entries) {
            if (shards.isEmpty() || size + entry.size() > shardBytes) {
                shards.add(new ArrayList<>());
                size = 0;
            }
            shards.getLast().add(entry);
            size += entry.size();
        }
        if (shards.size() == 1) {
            write(dir.resolve("model.safetensors"), entries);
            return;
        }
        ObjectNode index = new ObjectMapper().createObjectNode();
        index.putObject("metadata")
                .put("total_size", entries.stream().mapToLong(Entry::size).sum());
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            shards.get(i).forEach(entry -> map.put(entry.name(), name));
            write(dir.resolve(name), shards.get(i));
        }
        Files.writeString(dir.resolve("model.safetensors.index.json"), index.toPrettyString() + "\n");
    }

    private static void write(Path file, List<Entry> entries) throws IOException {
        ObjectNode header = new ObjectMapper().createObjectNode();
        header.putObject("__metadata__").put("format", "pt");
        long offset = 0;
        for (Entry entry : entries) {
            ObjectNode tensor = header.putObject(entry.name());
            tensor.put("dtype", entry.type().name());
            ArrayNode shape = tensor.putArray("shape");
            entry.shape().forEach(shape::add);
            tensor.putArray("data_offsets").add(offset).add(offset + entry.size());
            offset += entry.size();
        }
        byte[] head = header.toString().getBytes(StandardCharsets.UTF_8);
        // The data begins at a multiple of 8, as Hugging Face's own writer has it.
        byte[] padded = (header + " ".repeat((8 - head.length % 8) % 8)).getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(padded.length)
                    .array());
            out.write(padded);
            for (Entry entry : entries) {
                writeRows(entry, out);
            }
        }
    }

    private static void writeRows(Entry entry, OutputStream out) throws IOException {
        FloatRows source = entry.source();
        float[] row = new float[source.columns()];
        ByteBuffer bytes =
                ByteBuffer.allocate(row.length * entry.type().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < source.rows(); n++) {
            source.read(n, 0, row.length, row, 0);
            for (float value : row) {
                if (!Float.isFinite(value)) {
                    throw new InvalidCheckpointException(
                            "tensor %s: a weight of row %d is %s".formatted(entry.name(), n, value));
                }
            }
            bytes.clear();
            entry.bytes().put(n, row, bytes);
            out.write(bytes.array());
        }
    }
}
