package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.kernel.WeightType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The innermost loops of {@link Matmul}, straight-line, one accumulator a lane and chain. They call the Vector API alone: the
 * compiler inlines its methods whatever the size of the caller, but not a helper of ours, whose vectors would then be objects.
 */
final class Tiles {
    private static final int HIGH_HALF = 0xffff0000;

    private Tiles() {}

    /** Widens {@code columns} columns of a slice (an even number for F8) to {@code out[k][32]}. */
    static void decode(WeightType type, MemorySegment w, long from, int columns, float[] out) {
        if (type == WeightType.F8 && F8Tables.USABLE) {
            F8Tables.decode(w, from, columns, out);
            return;
        }
        for (int half = 0; half < 16; half += L) {
            switch (type) {
                case F8 -> F8Shifts.decode(w, from + 4L * half, columns, out, half);
                case BF16 -> decodeBf16(w, from + 4L * half, columns, out, half);
                case F32 -> decodeF32(w, from + 4L * half, columns, out, half);
            }
        }
    }

    private static void decodeBf16(MemorySegment w, long from, int columns, float[] out, int half) {
        for (int k = 0, at = half; k < columns; k++, at += 32) {
            IntVector v = ByteVector.fromMemorySegment(Lanes.B, w, from + 64L * k, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsInts();
            v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, at);
            v.and(HIGH_HALF).reinterpretAsFloats().intoArray(out, at + 16);
        }
    }

    private static void decodeF32(MemorySegment w, long from, int columns, float[] out, int half) {
        for (int k = 0, at = half; k < columns; k++, at += 32) {
            FloatVector.fromMemorySegment(F, w, from + 128L * k, ByteOrder.LITTLE_ENDIAN)
                    .intoArray(out, at);
            FloatVector.fromMemorySegment(F, w, from + 128L * k + 64, ByteOrder.LITTLE_ENDIAN)
                    .intoArray(out, at + 16);
        }
    }

    /**
     * One slice of four panels times one row: {@code sums[32*i..]} becomes the chains of the panel at {@code pi}.
     *
     * @param columns stored columns of the slice
     */
    static void gemvF8(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int to) {
        if (F8Tables.USABLE) {
            F8Tables.gemv(w, p0, p1, p2, p3, columns, x, xFrom, sums, to);
        } else {
            F8Shifts.gemv(w, p0, p1, p2, p3, columns, x, xFrom, sums, to);
        }
    }

    /**
     * One slice of four panels times one row: {@code sums[32*i..]} becomes the chains of the panel at {@code pi}.
     *
     * @param columns stored columns of the slice
     */
    static void gemvBf16(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int to) {
        for (int half = 0; half < 16; half += L) {
            gemvBf16Half(
                    w,
                    p0 + 4L * half,
                    p1 + 4L * half,
                    p2 + 4L * half,
                    p3 + 4L * half,
                    columns,
                    x,
                    xFrom,
                    sums,
                    to + half);
        }
    }

    private static void gemvBf16Half(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int to) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int k = 0; k < columns; k++) {
            long q = 64L * k;
            FloatVector x0 = FloatVector.broadcast(F, x[xFrom + k]);
            IntVector v0 = ByteVector.fromMemorySegment(Lanes.B, w, p0 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsInts();
            a0 = v0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a0);
            b0 = v0.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b0);
            IntVector v1 = ByteVector.fromMemorySegment(Lanes.B, w, p1 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsInts();
            a1 = v1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a1);
            b1 = v1.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b1);
            IntVector v2 = ByteVector.fromMemorySegment(Lanes.B, w, p2 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsInts();
            a2 = v2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a2);
            b2 = v2.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b2);
            IntVector v3 = ByteVector.fromMemorySegment(Lanes.B, w, p3 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsInts();
            a3 = v3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a3);
            b3 = v3.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b3);
        }
        a0.intoArray(sums, to + 0);
        b0.intoArray(sums, to + 16);
        a1.intoArray(sums, to + 32);
        b1.intoArray(sums, to + 48);
        a2.intoArray(sums, to + 64);
        b2.intoArray(sums, to + 80);
        a3.intoArray(sums, to + 96);
        b3.intoArray(sums, to + 112);
    }

    /**
     * One slice of four panels times one row: {@code sums[32*i..]} becomes the chains of the panel at {@code pi}.
     *
     * @param columns stored columns of the slice
     */
    static void gemvF32(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int to) {
        for (int half = 0; half < 16; half += L) {
            gemvF32Half(
                    w,
                    p0 + 4L * half,
                    p1 + 4L * half,
                    p2 + 4L * half,
                    p3 + 4L * half,
                    columns,
                    x,
                    xFrom,
                    sums,
                    to + half);
        }
    }

    private static void gemvF32Half(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int to) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int k = 0; k < columns; k++) {
            long q = 128L * k;
            FloatVector x0 = FloatVector.broadcast(F, x[xFrom + k]);
            a0 = FloatVector.fromMemorySegment(F, w, p0 + q, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, a0);
            b0 = FloatVector.fromMemorySegment(F, w, p0 + q + 64, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, b0);
            a1 = FloatVector.fromMemorySegment(F, w, p1 + q, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, a1);
            b1 = FloatVector.fromMemorySegment(F, w, p1 + q + 64, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, b1);
            a2 = FloatVector.fromMemorySegment(F, w, p2 + q, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, a2);
            b2 = FloatVector.fromMemorySegment(F, w, p2 + q + 64, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, b2);
            a3 = FloatVector.fromMemorySegment(F, w, p3 + q, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, a3);
            b3 = FloatVector.fromMemorySegment(F, w, p3 + q + 64, ByteOrder.LITTLE_ENDIAN)
                    .fma(x0, b3);
        }
        a0.intoArray(sums, to + 0);
        b0.intoArray(sums, to + 16);
        a1.intoArray(sums, to + 32);
        b1.intoArray(sums, to + 48);
        a2.intoArray(sums, to + 64);
        b2.intoArray(sums, to + 80);
        a3.intoArray(sums, to + 96);
        b3.intoArray(sums, to + 112);
    }

    /** Goes on with the chains of 2 rows by 32 outputs: {@code sums[m][32] += w[k][32] * x[k][m]}, k ascending. */
    static void tile2(float[] w, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        for (int half = 0; half < 16; half += L) {
            tile2Half(w, half, x, xFrom, columns, sums, at + half, first);
        }
    }

    private static void tile2Half(
            float[] w, int half, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        FloatVector a0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 0);
        FloatVector b0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 16);
        FloatVector a1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 32);
        FloatVector b1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 48);
        for (int k = 0, q = half, g = xFrom; k < columns; k++, q += 32, g += 2) {
            FloatVector u = FloatVector.fromArray(F, w, q);
            FloatVector v = FloatVector.fromArray(F, w, q + 16);
            FloatVector t;
            t = FloatVector.broadcast(F, x[g + 0]);
            a0 = u.fma(t, a0);
            b0 = v.fma(t, b0);
            t = FloatVector.broadcast(F, x[g + 1]);
            a1 = u.fma(t, a1);
            b1 = v.fma(t, b1);
        }
        a0.intoArray(sums, at + 0);
        b0.intoArray(sums, at + 16);
        a1.intoArray(sums, at + 32);
        b1.intoArray(sums, at + 48);
    }

    /** Goes on with the chains of 4 rows by 32 outputs: {@code sums[m][32] += w[k][32] * x[k][m]}, k ascending. */
    static void tile4(float[] w, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        for (int half = 0; half < 16; half += L) {
            tile4Half(w, half, x, xFrom, columns, sums, at + half, first);
        }
    }

    private static void tile4Half(
            float[] w, int half, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        FloatVector a0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 0);
        FloatVector b0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 16);
        FloatVector a1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 32);
        FloatVector b1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 48);
        FloatVector a2 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 64);
        FloatVector b2 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 80);
        FloatVector a3 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 96);
        FloatVector b3 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 112);
        for (int k = 0, q = half, g = xFrom; k < columns; k++, q += 32, g += 4) {
            FloatVector u = FloatVector.fromArray(F, w, q);
            FloatVector v = FloatVector.fromArray(F, w, q + 16);
            FloatVector t;
            t = FloatVector.broadcast(F, x[g + 0]);
            a0 = u.fma(t, a0);
            b0 = v.fma(t, b0);
            t = FloatVector.broadcast(F, x[g + 1]);
            a1 = u.fma(t, a1);
            b1 = v.fma(t, b1);
            t = FloatVector.broadcast(F, x[g + 2]);
            a2 = u.fma(t, a2);
            b2 = v.fma(t, b2);
            t = FloatVector.broadcast(F, x[g + 3]);
            a3 = u.fma(t, a3);
            b3 = v.fma(t, b3);
        }
        a0.intoArray(sums, at + 0);
        b0.intoArray(sums, at + 16);
        a1.intoArray(sums, at + 32);
        b1.intoArray(sums, at + 48);
        a2.intoArray(sums, at + 64);
        b2.intoArray(sums, at + 80);
        a3.intoArray(sums, at + 96);
        b3.intoArray(sums, at + 112);
    }

    /** Goes on with the chains of 8 rows by 32 outputs: {@code sums[m][32] += w[k][32] * x[k][m]}, k ascending. */
    static void tile8(float[] w, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        for (int half = 0; half < 16; half += L) {
            tile8Half(w, half, x, xFrom, columns, sums, at + half, first);
        }
    }

    private static void tile8Half(
            float[] w, int half, float[] x, int xFrom, int columns, float[] sums, int at, boolean first) {
        FloatVector a0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 0);
        FloatVector b0 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 16);
        FloatVector a1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 32);
        FloatVector b1 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 48);
        FloatVector a2 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 64);
        FloatVector b2 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 80);
        FloatVector a3 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 96);
        FloatVector b3 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 112);
        FloatVector a4 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 128);
        FloatVector b4 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 144);
        FloatVector a5 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 160);
        FloatVector b5 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 176);
        FloatVector a6 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 192);
        FloatVector b6 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 208);
        FloatVector a7 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 224);
        FloatVector b7 = first ? FloatVector.zero(F) : FloatVector.fromArray(F, sums, at + 240);
        for (int k = 0, q = half, g = xFrom; k < columns; k++, q += 32, g += 8) {
            FloatVector u = FloatVector.fromArray(F, w, q);
            FloatVector v = FloatVector.fromArray(F, w, q + 16);
            FloatVector t;
            t = FloatVector.broadcast(F, x[g + 0]);
            a0 = u.fma(t, a0);
            b0 = v.fma(t, b0);
            t = FloatVector.broadcast(F, x[g + 1]);
            a1 = u.fma(t, a1);
            b1 = v.fma(t, b1);
            t = FloatVector.broadcast(F, x[g + 2]);
            a2 = u.fma(t, a2);
            b2 = v.fma(t, b2);
            t = FloatVector.broadcast(F, x[g + 3]);
            a3 = u.fma(t, a3);
            b3 = v.fma(t, b3);
            t = FloatVector.broadcast(F, x[g + 4]);
            a4 = u.fma(t, a4);
            b4 = v.fma(t, b4);
            t = FloatVector.broadcast(F, x[g + 5]);
            a5 = u.fma(t, a5);
            b5 = v.fma(t, b5);
            t = FloatVector.broadcast(F, x[g + 6]);
            a6 = u.fma(t, a6);
            b6 = v.fma(t, b6);
            t = FloatVector.broadcast(F, x[g + 7]);
            a7 = u.fma(t, a7);
            b7 = v.fma(t, b7);
        }
        a0.intoArray(sums, at + 0);
        b0.intoArray(sums, at + 16);
        a1.intoArray(sums, at + 32);
        b1.intoArray(sums, at + 48);
        a2.intoArray(sums, at + 64);
        b2.intoArray(sums, at + 80);
        a3.intoArray(sums, at + 96);
        b3.intoArray(sums, at + 112);
        a4.intoArray(sums, at + 128);
        b4.intoArray(sums, at + 144);
        a5.intoArray(sums, at + 160);
        b5.intoArray(sums, at + 176);
        a6.intoArray(sums, at + 192);
        b6.intoArray(sums, at + 208);
        a7.intoArray(sums, at + 224);
        b7.intoArray(sums, at + 240);
    }
}
