package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Weights in panels of {@value #PANEL} output rows, so that vectors run along rows. A panel holds its slices one after the
 * other, a slice its columns k ascending, in units of 64 bytes (F32: 128):
 *
 * <ul>
 *   <li>F8: two columns. Bytes 4i and 4i+2 are rows i and 16+i of the second column, 4i+1 and 4i+3 those of the first, so that
 *       shifts and masks alone widen them to F32 in place. An odd slice ends with a column of zeros.
 *   <li>BF16: one column. Shorts 2i and 2i+1 are rows i and 16+i.
 *   <li>F32: one column, rows 0 to 31.
 * </ul>
 *
 * Rows beyond the last and columns beyond K are zeros.
 */
final class PanelMatrix implements PackedMatrix {
    static final int PANEL = 32;
    /** Changes whenever the bytes below would be laid out in another way. */
    static final String LAYOUT = "panels-32/1";

    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int rows;
    private final Slicing slicing;
    private final WeightType type;
    private final float[] rowScales;
    private final MemorySegment memory;

    private PanelMatrix(int rows, Slicing slicing, WeightType type, float[] rowScales, MemorySegment memory) {
        this.rows = rows;
        this.slicing = slicing;
        this.type = type;
        this.rowScales = rowScales;
        this.memory = memory;
    }

    private static long bytes(int rows, Slicing slicing, WeightType type) {
        long panels = (rows + PANEL - 1) / PANEL;
        int stored = type == WeightType.F8 ? (slicing.length() + 1) / 2 * 2 : slicing.length();
        return Math.max(64, panels * stored * PANEL * type.bytes() * slicing.count());
    }

    /** See {@link io.altiplano.worker.kernel.Kernels#adopt}. */
    static PanelMatrix adopt(
            MemorySegment memory, int rows, WeightType type, Slicing slicing, float @Nullable [] scales) {
        if (memory.byteSize() != bytes(rows, slicing, type)) {
            throw new IllegalArgumentException("%d bytes are not the panels of %d rows of %d columns"
                    .formatted(memory.byteSize(), rows, slicing.localColumns()));
        }
        requireFinite(memory, type);
        return new PanelMatrix(rows, slicing, type, scales == null ? ones(rows) : scales, memory);
    }

    private static float[] ones(int rows) {
        float[] scales = new float[rows];
        Arrays.fill(scales, 1f);
        return scales;
    }

    /** A value whose exponent (or, in E4M3, whose all) bits are ones is no number; 8 bytes are looked at together. */
    private static void requireFinite(MemorySegment memory, WeightType type) {
        long bits =
                switch (type) {
                    case F8 -> 0x7f7f7f7f7f7f7f7fL;
                    case BF16 -> 0x7f807f807f807f80L;
                    case F32 -> 0x7f8000007f800000L;
                };
        long low =
                switch (type) {
                    case F8 -> 0x0101010101010101L;
                    case BF16 -> 0x0001000100010001L;
                    case F32 -> 0x0000000100000001L;
                };
        long high = low << (8 * type.bytes() - 1);
        for (long at = 0; at < memory.byteSize(); at += 8) {
            long zeros = (memory.get(I64, at) & bits) ^ bits;
            if (((zeros - low) & ~zeros & high) != 0) {
                throw new IllegalArgumentException("a weight in the 8 bytes at %d is not finite".formatted(at));
            }
        }
    }

    static PanelMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] scales, Arena arena) {
        MemorySegment memory = arena.allocate(bytes(source.rows(), slicing, type), 64);
        PanelMatrix matrix =
                new PanelMatrix(source.rows(), slicing, type, scales == null ? ones(source.rows()) : scales, memory);
        IntStream.range(0, matrix.panels()).parallel().forEach(panel -> {
            float[] row = new float[slicing.localColumns()];
            for (int n = panel * PANEL; n < Math.min(source.rows(), (panel + 1) * PANEL); n++) {
                source.read(n, 0, row.length, row, 0);
                matrix.set(n, row);
            }
        });
        return matrix;
    }

    /** Columns of a slice as stored: an even number for F8. */
    int storedLength() {
        return type == WeightType.F8 ? (slicing.length() + 1) / 2 * 2 : slicing.length();
    }

    int panels() {
        return (rows + PANEL - 1) / PANEL;
    }

    /** Bytes of one panel's one slice. */
    long sliceBytes() {
        return (long) storedLength() * PANEL * type.bytes();
    }

    /** Bytes of one panel. */
    long panelBytes() {
        return sliceBytes() * slicing.count();
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    private long offset(int n, int k) {
        int slice = k / slicing.length();
        int at = k % slicing.length();
        int lane = n % PANEL;
        long base = n / PANEL * panelBytes() + slice * sliceBytes();
        int low = lane % 16;
        int high = lane / 16;
        return switch (type) {
            case F8 -> base + at / 2 * 64L + 4 * low + 2 * high + (at % 2 == 0 ? 1 : 0);
            case BF16 -> base + at * 64L + 4 * low + 2 * high;
            case F32 -> base + at * 128L + 4 * lane;
        };
    }

    private void set(int n, float[] row) {
        int length = slicing.length();
        float scale = rowScales[n];
        for (int from = 0; from < row.length; from += length) {
            long base = offset(n, from);
            int count = Math.min(length, row.length - from);
            for (int k = 0; k < count; k++) {
                float value = row[from + k];
                if (!Float.isFinite(value)) {
                    throw new IllegalArgumentException("a weight of row %d is %s".formatted(n, value));
                }
                switch (type) {
                    case F8 ->
                        memory.set(ValueLayout.JAVA_BYTE, base + (k / 2) * 64L - k % 2, E4m3.encode(value / scale));
                    case BF16 -> memory.set(I16, base + k * 64L, Bf16.encode(value));
                    case F32 -> memory.set(F32, base + k * 128L, value);
                }
            }
        }
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public Slicing slicing() {
        return slicing;
    }

    @Override
    public WeightType type() {
        return type;
    }

    @Override
    public float[] rowScales() {
        return rowScales;
    }

    @Override
    public long bytes() {
        return memory.byteSize() + 4L * rowScales.length;
    }

    @Override
    public void row(int row, float[] out, int offset) {
        for (int k = 0; k < slicing.localColumns(); k++) {
            long at = offset(row, k);
            out[offset + k] = switch (type) {
                case F8 -> E4m3.decode(memory.get(ValueLayout.JAVA_BYTE, at));
                case BF16 -> Bf16.decode(memory.get(I16, at));
                case F32 -> memory.get(F32, at);
            };
        }
    }
}
