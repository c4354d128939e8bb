package io.altiplano.worker.weights;

import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

/**
 * A tensor of one or two dimensions, mapped from a safetensors file. A vector of n values is a matrix [1, n].
 *
 * @param name the name in the file
 * @param file the file it is in, for messages
 * @param type as stored
 * @param shape as stored
 * @param data the little-endian values, as many as the shape says
 */
record Tensor(String name, Path file, StoredType type, List<Long> shape, MemorySegment data) implements FloatRows {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public int rows() {
        return shape.size() == 1 ? 1 : Math.toIntExact(shape.getFirst());
    }

    @Override
    public int columns() {
        return Math.toIntExact(shape.getLast());
    }

    @Override
    public void read(int row, int from, int count, float[] out, int offset) {
        long at = ((long) row * columns() + from) * type.bytes();
        switch (type) {
            case F32 -> MemorySegment.copy(data, F32, at, out, offset, count);
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Bf16.decode(data.get(I16, at + 2L * i));
                }
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Float.float16ToFloat(data.get(I16, at + 2L * i));
                }
            }
            case F8_E4M3 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = E4m3.decode(data.get(ValueLayout.JAVA_BYTE, at + i));
                }
            }
        }
    }

    /** Whether BF16 holds every value without loss. */
    boolean fitsBf16() {
        if (type == StoredType.BF16) {
            return true;
        }
        float[] row = new float[columns()];
        for (int r = 0; r < rows(); r++) {
            read(r, 0, row.length, row, 0);
            for (float value : row) {
                if (!Bf16.isExact(value)) {
                    return false;
                }
            }
        }
        return true;
    }
}
