package io.altiplano.tokenizer;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * llama.cpp's GGUF, versions 2 and 3, little-endian (its {@code docs/gguf.md}): metadata, the tensors' descriptions, then their data,
 * mapped. Everything that the file claims is checked against its size before it is believed; what the tensors' types mean is
 * not this class's business.
 */
public final class GgufFile {
    private static final int MAGIC = 0x46554747;
    private static final int MOST_ENTRIES = 1 << 16;
    private static final int MOST_ELEMENTS = 4_000_000;
    private static final int LONGEST_STRING = 1 << 22;
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final MemorySegment all;
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private long at;
    private long dataFrom;

    /**
     * A tensor as the file describes it.
     *
     * @param name its name
     * @param shape the fastest dimension first, 1 to 4 of them
     * @param type ggml's number of its type
     * @param offset where its bytes begin in {@link #data}
     */
    public record TensorInfo(String name, List<Long> shape, int type, long offset) {}

    private GgufFile(Path file, MemorySegment all) {
        this.file = file;
        this.all = all;
    }

    /** The one GGUF file of a directory, if it has just one. */
    public static @Nullable Path in(Path dir) {
        if (!Files.isDirectory(dir)) {
            return null;
        }
        try (Stream<Path> files = Files.list(dir)) {
            List<Path> found = files.filter(f -> f.getFileName().toString().endsWith(".gguf"))
                    .toList();
            return found.size() == 1 ? found.getFirst() : null;
        } catch (IOException e) {
            return null;
        }
    }

    /**
     * Maps a file and reads all but the tensors' data.
     *
     * @param arena owns the mapping
     * @throws InvalidGgufException naming what is wrong
     */
    public static GgufFile open(Path file, Arena arena) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            GgufFile gguf = new GgufFile(file, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
            gguf.read();
            return gguf;
        } catch (IOException e) {
            throw new InvalidGgufException(file + " cannot be read: " + e, e);
        }
    }

    /** Where it lies. */
    public Path path() {
        return file;
    }

    /** The tensors by name, in the file's order. */
    public Map<String, TensorInfo> tensors() {
        return tensors;
    }

    /** The bytes that tensors lie in. */
    public MemorySegment data() {
        return all.asSlice(dataFrom);
    }

    /** A whole number of the metadata, if it is there. */
    public OptionalLong number(String key) {
        return metadata.get(key) instanceof Long value ? OptionalLong.of(value) : OptionalLong.empty();
    }

    /** A floating-point number of the metadata; the other where it is not there. */
    public double real(String key, double otherwise) {
        return metadata.get(key) instanceof Double value ? value : otherwise;
    }

    /** A string of the metadata; empty where it is not there. */
    public String text(String key) {
        return metadata.get(key) instanceof String value ? value : "";
    }

    /** A list of strings of the metadata; empty where it is not there. */
    public List<String> texts(String key) {
        return list(key, String.class);
    }

    /** A list of whole numbers of the metadata; empty where it is not there. */
    public List<Long> numbers(String key) {
        return list(key, Long.class);
    }

    /** A list of floating-point numbers of the metadata; empty where it is not there. */
    public List<Double> reals(String key) {
        return list(key, Double.class);
    }

    /** A flag of the metadata; the other where it is not there. */
    public boolean flag(String key, boolean otherwise) {
        return metadata.get(key) instanceof Boolean value ? value : otherwise;
    }

    @SuppressWarnings("unchecked")
    private <T> List<T> list(String key, Class<T> type) {
        return metadata.get(key) instanceof List<?> list && list.stream().allMatch(type::isInstance)
                ? (List<T>) list
                : List.of();
    }

    private void read() {
        if (all.byteSize() < 24 || i32() != MAGIC) {
            throw new InvalidGgufException(file + " is no GGUF file");
        }
        int version = i32();
        if (version != 2 && version != 3) {
            throw new InvalidGgufException("%s is GGUF version %d; 2 and 3 can be read".formatted(file, version));
        }
        long tensorCount = count("tensors", MOST_ENTRIES, 24);
        long entries = count("metadata entries", MOST_ENTRIES, 13);
        for (long i = 0; i < entries; i++) {
            String key = string("a metadata key");
            if (metadata.put(key, value(key, i32())) != null) {
                throw new InvalidGgufException("%s has the metadata key '%s' twice".formatted(file, key));
            }
        }
        for (long i = 0; i < tensorCount; i++) {
            TensorInfo tensor = tensor();
            if (tensors.put(tensor.name(), tensor) != null) {
                throw new InvalidGgufException("%s has tensor %s twice".formatted(file, tensor.name()));
            }
        }
        long alignment = number("general.alignment").orElse(32);
        if (alignment < 1 || alignment > 1 << 20) {
            throw new InvalidGgufException("%s: general.alignment is %d".formatted(file, alignment));
        }
        dataFrom = Math.min(all.byteSize(), (at + alignment - 1) / alignment * alignment);
    }

    private TensorInfo tensor() {
        String name = string("a tensor's name");
        int dimensions = i32();
        if (dimensions < 1 || dimensions > 4) {
            throw new InvalidGgufException("%s: tensor %s has %d dimensions".formatted(file, name, dimensions));
        }
        List<Long> shape = new ArrayList<>();
        for (int d = 0; d < dimensions; d++) {
            shape.add(i64());
        }
        return new TensorInfo(name, List.copyOf(shape), i32(), i64());
    }

    private Object value(String key, int type) {
        return switch (type) {
            case 0 -> (long) (take(1).get(ValueLayout.JAVA_BYTE, 0) & 0xff);
            case 1 -> (long) take(1).get(ValueLayout.JAVA_BYTE, 0);
            case 2 -> (long) (take(2).get(I16, 0) & 0xffff);
            case 3 -> (long) take(2).get(I16, 0);
            case 4 -> i32() & 0xffffffffL;
            case 5 -> (long) i32();
            case 6 -> (double) Float.intBitsToFloat(i32());
            case 7 -> take(1).get(ValueLayout.JAVA_BYTE, 0) != 0;
            case 8 -> string(key);
            case 9 -> array(key);
            case 10, 11 -> i64();
            case 12 -> Double.longBitsToDouble(i64());
            default ->
                throw new InvalidGgufException("%s: metadata %s has the unknown type %d".formatted(file, key, type));
        };
    }

    private List<Object> array(String key) {
        int type = i32();
        if (type == 9) {
            throw new InvalidGgufException("%s: metadata %s is a list of lists".formatted(file, key));
        }
        long length = count("elements of " + key, MOST_ELEMENTS, 1);
        List<Object> list = new ArrayList<>();
        for (long i = 0; i < length; i++) {
            list.add(value(key, type));
        }
        return list;
    }

    /** A number of things that follow, each of at least {@code least} bytes. */
    private long count(String what, long most, int least) {
        long count = i64();
        if (count < 0 || count > most || count > (all.byteSize() - at) / least) {
            throw new InvalidGgufException("%s cannot hold %d %s".formatted(file, count, what));
        }
        return count;
    }

    private String string(String what) {
        long length = i64();
        if (length < 0 || length > LONGEST_STRING) {
            throw new InvalidGgufException("%s: %s has %d bytes".formatted(file, what, length));
        }
        return new String(take(length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private int i32() {
        return take(4).get(I32, 0);
    }

    private long i64() {
        return take(8).get(I64, 0);
    }

    private MemorySegment take(long bytes) {
        if (bytes > all.byteSize() - at) {
            throw new InvalidGgufException("%s is truncated at byte %d".formatted(file, at));
        }
        MemorySegment taken = all.asSlice(at, bytes);
        at += bytes;
        return taken;
    }
}
