package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.F8Tables.B;
import static io.altiplano.worker.kernel.cpu.F8Tables.F;
import static io.altiplano.worker.kernel.cpu.F8Tables.HIGH_HALF;
import static io.altiplano.worker.kernel.cpu.F8Tables.LOWER;
import static io.altiplano.worker.kernel.cpu.F8Tables.SIGN;
import static io.altiplano.worker.kernel.cpu.F8Tables.UPPER;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * F8 weights times 2, 4 or 8 rows where {@link F8Tables#USABLE}: widened in registers, sixteen accumulators, straight-line. Few
 * rows do too little with a weight to pay for its way through the cache.
 */
final class F8Rows {
    private F8Rows() {}

    /** One slice of four panels times 2 rows, which lie as [k][row]: the chains of panel i begin at {@code ti}, 32 a row. */
    static void rows2(
            MemorySegment w,
            long p0,
            long p1,
            long p2,
            long p3,
            int columns,
            float[] x,
            int xFrom,
            float[] sums,
            int t0,
            int t1,
            int t2,
            int t3) {
        ByteVector high0 = F8Tables.HIGH0;
        ByteVector high1 = F8Tables.HIGH1;
        ByteVector low0 = F8Tables.LOW0;
        ByteVector low1 = F8Tables.LOW1;
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a10 = FloatVector.zero(F);
        FloatVector b10 = FloatVector.zero(F);
        FloatVector a11 = FloatVector.zero(F);
        FloatVector b11 = FloatVector.zero(F);
        FloatVector a20 = FloatVector.zero(F);
        FloatVector b20 = FloatVector.zero(F);
        FloatVector a21 = FloatVector.zero(F);
        FloatVector b21 = FloatVector.zero(F);
        FloatVector a30 = FloatVector.zero(F);
        FloatVector b30 = FloatVector.zero(F);
        FloatVector a31 = FloatVector.zero(F);
        FloatVector b31 = FloatVector.zero(F);
        for (int q = 0, g = xFrom; q < 32 * columns; q += 64, g += 4) {
            ByteVector v;
            ShortVector h;
            ShortVector l;
            IntVector c;
            IntVector d;
            FloatVector u0;
            FloatVector u1;
            FloatVector u2;
            FloatVector u3;
            FloatVector t;
            v = ByteVector.fromMemorySegment(B, w, p0 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a00 = u0.fma(t, a00);
            b00 = u1.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 1]);
            a01 = u0.fma(t, a01);
            b01 = u1.fma(t, b01);
            t = FloatVector.broadcast(F, x[g + 2]);
            a00 = u2.fma(t, a00);
            b00 = u3.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 3]);
            a01 = u2.fma(t, a01);
            b01 = u3.fma(t, b01);
            v = ByteVector.fromMemorySegment(B, w, p1 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a10 = u0.fma(t, a10);
            b10 = u1.fma(t, b10);
            t = FloatVector.broadcast(F, x[g + 1]);
            a11 = u0.fma(t, a11);
            b11 = u1.fma(t, b11);
            t = FloatVector.broadcast(F, x[g + 2]);
            a10 = u2.fma(t, a10);
            b10 = u3.fma(t, b10);
            t = FloatVector.broadcast(F, x[g + 3]);
            a11 = u2.fma(t, a11);
            b11 = u3.fma(t, b11);
            v = ByteVector.fromMemorySegment(B, w, p2 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a20 = u0.fma(t, a20);
            b20 = u1.fma(t, b20);
            t = FloatVector.broadcast(F, x[g + 1]);
            a21 = u0.fma(t, a21);
            b21 = u1.fma(t, b21);
            t = FloatVector.broadcast(F, x[g + 2]);
            a20 = u2.fma(t, a20);
            b20 = u3.fma(t, b20);
            t = FloatVector.broadcast(F, x[g + 3]);
            a21 = u2.fma(t, a21);
            b21 = u3.fma(t, b21);
            v = ByteVector.fromMemorySegment(B, w, p3 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a30 = u0.fma(t, a30);
            b30 = u1.fma(t, b30);
            t = FloatVector.broadcast(F, x[g + 1]);
            a31 = u0.fma(t, a31);
            b31 = u1.fma(t, b31);
            t = FloatVector.broadcast(F, x[g + 2]);
            a30 = u2.fma(t, a30);
            b30 = u3.fma(t, b30);
            t = FloatVector.broadcast(F, x[g + 3]);
            a31 = u2.fma(t, a31);
            b31 = u3.fma(t, b31);
        }
        a00.intoArray(sums, t0 + 0);
        b00.intoArray(sums, t0 + 16);
        a01.intoArray(sums, t0 + 32);
        b01.intoArray(sums, t0 + 48);
        a10.intoArray(sums, t1 + 0);
        b10.intoArray(sums, t1 + 16);
        a11.intoArray(sums, t1 + 32);
        b11.intoArray(sums, t1 + 48);
        a20.intoArray(sums, t2 + 0);
        b20.intoArray(sums, t2 + 16);
        a21.intoArray(sums, t2 + 32);
        b21.intoArray(sums, t2 + 48);
        a30.intoArray(sums, t3 + 0);
        b30.intoArray(sums, t3 + 16);
        a31.intoArray(sums, t3 + 32);
        b31.intoArray(sums, t3 + 48);
    }

    /** One slice of two panels times 4 rows, which lie as [k][row]: the chains of panel i begin at {@code ti}, 32 a row. */
    static void rows4(
            MemorySegment w, long p0, long p1, int columns, float[] x, int xFrom, float[] sums, int t0, int t1) {
        ByteVector high0 = F8Tables.HIGH0;
        ByteVector high1 = F8Tables.HIGH1;
        ByteVector low0 = F8Tables.LOW0;
        ByteVector low1 = F8Tables.LOW1;
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a02 = FloatVector.zero(F);
        FloatVector b02 = FloatVector.zero(F);
        FloatVector a03 = FloatVector.zero(F);
        FloatVector b03 = FloatVector.zero(F);
        FloatVector a10 = FloatVector.zero(F);
        FloatVector b10 = FloatVector.zero(F);
        FloatVector a11 = FloatVector.zero(F);
        FloatVector b11 = FloatVector.zero(F);
        FloatVector a12 = FloatVector.zero(F);
        FloatVector b12 = FloatVector.zero(F);
        FloatVector a13 = FloatVector.zero(F);
        FloatVector b13 = FloatVector.zero(F);
        for (int q = 0, g = xFrom; q < 32 * columns; q += 64, g += 8) {
            ByteVector v;
            ShortVector h;
            ShortVector l;
            IntVector c;
            IntVector d;
            FloatVector u0;
            FloatVector u1;
            FloatVector u2;
            FloatVector u3;
            FloatVector t;
            v = ByteVector.fromMemorySegment(B, w, p0 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a00 = u0.fma(t, a00);
            b00 = u1.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 1]);
            a01 = u0.fma(t, a01);
            b01 = u1.fma(t, b01);
            t = FloatVector.broadcast(F, x[g + 2]);
            a02 = u0.fma(t, a02);
            b02 = u1.fma(t, b02);
            t = FloatVector.broadcast(F, x[g + 3]);
            a03 = u0.fma(t, a03);
            b03 = u1.fma(t, b03);
            t = FloatVector.broadcast(F, x[g + 4]);
            a00 = u2.fma(t, a00);
            b00 = u3.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 5]);
            a01 = u2.fma(t, a01);
            b01 = u3.fma(t, b01);
            t = FloatVector.broadcast(F, x[g + 6]);
            a02 = u2.fma(t, a02);
            b02 = u3.fma(t, b02);
            t = FloatVector.broadcast(F, x[g + 7]);
            a03 = u2.fma(t, a03);
            b03 = u3.fma(t, b03);
            v = ByteVector.fromMemorySegment(B, w, p1 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a10 = u0.fma(t, a10);
            b10 = u1.fma(t, b10);
            t = FloatVector.broadcast(F, x[g + 1]);
            a11 = u0.fma(t, a11);
            b11 = u1.fma(t, b11);
            t = FloatVector.broadcast(F, x[g + 2]);
            a12 = u0.fma(t, a12);
            b12 = u1.fma(t, b12);
            t = FloatVector.broadcast(F, x[g + 3]);
            a13 = u0.fma(t, a13);
            b13 = u1.fma(t, b13);
            t = FloatVector.broadcast(F, x[g + 4]);
            a10 = u2.fma(t, a10);
            b10 = u3.fma(t, b10);
            t = FloatVector.broadcast(F, x[g + 5]);
            a11 = u2.fma(t, a11);
            b11 = u3.fma(t, b11);
            t = FloatVector.broadcast(F, x[g + 6]);
            a12 = u2.fma(t, a12);
            b12 = u3.fma(t, b12);
            t = FloatVector.broadcast(F, x[g + 7]);
            a13 = u2.fma(t, a13);
            b13 = u3.fma(t, b13);
        }
        a00.intoArray(sums, t0 + 0);
        b00.intoArray(sums, t0 + 16);
        a01.intoArray(sums, t0 + 32);
        b01.intoArray(sums, t0 + 48);
        a02.intoArray(sums, t0 + 64);
        b02.intoArray(sums, t0 + 80);
        a03.intoArray(sums, t0 + 96);
        b03.intoArray(sums, t0 + 112);
        a10.intoArray(sums, t1 + 0);
        b10.intoArray(sums, t1 + 16);
        a11.intoArray(sums, t1 + 32);
        b11.intoArray(sums, t1 + 48);
        a12.intoArray(sums, t1 + 64);
        b12.intoArray(sums, t1 + 80);
        a13.intoArray(sums, t1 + 96);
        b13.intoArray(sums, t1 + 112);
    }

    /** One slice of one panel times 8 rows, which lie as [k][row]: the chains of panel i begin at {@code ti}, 32 a row. */
    static void rows8(MemorySegment w, long p0, int columns, float[] x, int xFrom, float[] sums, int t0) {
        ByteVector high0 = F8Tables.HIGH0;
        ByteVector high1 = F8Tables.HIGH1;
        ByteVector low0 = F8Tables.LOW0;
        ByteVector low1 = F8Tables.LOW1;
        FloatVector a00 = FloatVector.zero(F);
        FloatVector b00 = FloatVector.zero(F);
        FloatVector a01 = FloatVector.zero(F);
        FloatVector b01 = FloatVector.zero(F);
        FloatVector a02 = FloatVector.zero(F);
        FloatVector b02 = FloatVector.zero(F);
        FloatVector a03 = FloatVector.zero(F);
        FloatVector b03 = FloatVector.zero(F);
        FloatVector a04 = FloatVector.zero(F);
        FloatVector b04 = FloatVector.zero(F);
        FloatVector a05 = FloatVector.zero(F);
        FloatVector b05 = FloatVector.zero(F);
        FloatVector a06 = FloatVector.zero(F);
        FloatVector b06 = FloatVector.zero(F);
        FloatVector a07 = FloatVector.zero(F);
        FloatVector b07 = FloatVector.zero(F);
        for (int q = 0, g = xFrom; q < 32 * columns; q += 64, g += 16) {
            ByteVector v;
            ShortVector h;
            ShortVector l;
            IntVector c;
            IntVector d;
            FloatVector u0;
            FloatVector u1;
            FloatVector u2;
            FloatVector u3;
            FloatVector t;
            v = ByteVector.fromMemorySegment(B, w, p0 + q, ByteOrder.LITTLE_ENDIAN);
            h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            l = v.selectFrom(low0, low1).reinterpretAsShorts();
            c = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            d = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
            u0 = c.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u1 = c.and(HIGH_HALF).reinterpretAsFloats();
            u2 = d.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            u3 = d.and(HIGH_HALF).reinterpretAsFloats();
            t = FloatVector.broadcast(F, x[g + 0]);
            a00 = u0.fma(t, a00);
            b00 = u1.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 1]);
            a01 = u0.fma(t, a01);
            b01 = u1.fma(t, b01);
            t = FloatVector.broadcast(F, x[g + 2]);
            a02 = u0.fma(t, a02);
            b02 = u1.fma(t, b02);
            t = FloatVector.broadcast(F, x[g + 3]);
            a03 = u0.fma(t, a03);
            b03 = u1.fma(t, b03);
            t = FloatVector.broadcast(F, x[g + 4]);
            a04 = u0.fma(t, a04);
            b04 = u1.fma(t, b04);
            t = FloatVector.broadcast(F, x[g + 5]);
            a05 = u0.fma(t, a05);
            b05 = u1.fma(t, b05);
            t = FloatVector.broadcast(F, x[g + 6]);
            a06 = u0.fma(t, a06);
            b06 = u1.fma(t, b06);
            t = FloatVector.broadcast(F, x[g + 7]);
            a07 = u0.fma(t, a07);
            b07 = u1.fma(t, b07);
            t = FloatVector.broadcast(F, x[g + 8]);
            a00 = u2.fma(t, a00);
            b00 = u3.fma(t, b00);
            t = FloatVector.broadcast(F, x[g + 9]);
            a01 = u2.fma(t, a01);
            b01 = u3.fma(t, b01);
            t = FloatVector.broadcast(F, x[g + 10]);
            a02 = u2.fma(t, a02);
            b02 = u3.fma(t, b02);
            t = FloatVector.broadcast(F, x[g + 11]);
            a03 = u2.fma(t, a03);
            b03 = u3.fma(t, b03);
            t = FloatVector.broadcast(F, x[g + 12]);
            a04 = u2.fma(t, a04);
            b04 = u3.fma(t, b04);
            t = FloatVector.broadcast(F, x[g + 13]);
            a05 = u2.fma(t, a05);
            b05 = u3.fma(t, b05);
            t = FloatVector.broadcast(F, x[g + 14]);
            a06 = u2.fma(t, a06);
            b06 = u3.fma(t, b06);
            t = FloatVector.broadcast(F, x[g + 15]);
            a07 = u2.fma(t, a07);
            b07 = u3.fma(t, b07);
        }
        a00.intoArray(sums, t0 + 0);
        b00.intoArray(sums, t0 + 16);
        a01.intoArray(sums, t0 + 32);
        b01.intoArray(sums, t0 + 48);
        a02.intoArray(sums, t0 + 64);
        b02.intoArray(sums, t0 + 80);
        a03.intoArray(sums, t0 + 96);
        b03.intoArray(sums, t0 + 112);
        a04.intoArray(sums, t0 + 128);
        b04.intoArray(sums, t0 + 144);
        a05.intoArray(sums, t0 + 160);
        b05.intoArray(sums, t0 + 176);
        a06.intoArray(sums, t0 + 192);
        b06.intoArray(sums, t0 + 208);
        a07.intoArray(sums, t0 + 224);
        b07.intoArray(sums, t0 + 240);
    }
}
