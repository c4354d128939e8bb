package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.tensor.Bf16;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Tiles}' F8 loops for any processor.
 *
 * <p>E4M3 widens to BF16 by a shift that moves sign, exponent and mantissa into place, and an addition to the exponent; what is
 * subnormal in E4M3 comes from a table instead. The shift alone, with its power of two taken back later, would make subnormals of
 * F32 of them, and each multiplication of such a value costs the processor a hundred cycles. BF16 then is the high half of F32.
 */
final class F8Shifts {
    private static final short E4M3_BITS = (short) 0x87f0;
    private static final short EXPONENT = 0x0780;
    private static final short SIGN = (short) 0x8000;
    /** BF16's bias minus E4M3's, in BF16's exponent. */
    private static final short REBIAS = (127 - 7) << 7;

    private static final int HIGH_HALF = 0xffff0000;
    /** BF16 of E4M3's subnormals, by mantissa. */
    private static final ShortVector SUBNORMALS = subnormals();

    private F8Shifts() {}

    private static ShortVector subnormals() {
        short[] table = new short[Lanes.S.length()];
        for (int mantissa = 0; mantissa < 8; mantissa++) {
            table[mantissa] = Bf16.encode(mantissa * 0x1p-9f);
        }
        return ShortVector.fromArray(Lanes.S, table, 0);
    }

    /** As {@link Tiles#decode}, for lanes {@code half} to {@code half + L - 1} of each 16. */
    static void decode(MemorySegment w, long from, int columns, float[] out, int half) {
        ShortVector subnormals = SUBNORMALS;
        for (int k = 0, at = half; k < columns; k += 2, at += 64) {
            ShortVector v = ByteVector.fromMemorySegment(Lanes.B, w, from + 32L * k, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector c = v.lanewise(VectorOperators.ASHR, 4).and(E4M3_BITS);
            ShortVector d = v.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(E4M3_BITS);
            IntVector a = c.add(REBIAS)
                    .blend(
                            c.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(c.and(SIGN)),
                            c.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            IntVector b = d.add(REBIAS)
                    .blend(
                            d.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(d.and(SIGN)),
                            d.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            a.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, at);
            a.and(HIGH_HALF).reinterpretAsFloats().intoArray(out, at + 16);
            b.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, at + 32);
            b.and(HIGH_HALF).reinterpretAsFloats().intoArray(out, at + 48);
        }
    }

    /** As {@link Tiles#gemvF8}. */
    static void gemv(
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
            half(w, p0 + 4L * half, p1 + 4L * half, p2 + 4L * half, p3 + 4L * half, columns, x, xFrom, sums, to + half);
        }
    }

    private static void half(
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
        ShortVector subnormals = SUBNORMALS;
        for (int q = 0, k = xFrom; q < 32 * columns; q += 64, k += 2) {
            FloatVector x0 = FloatVector.broadcast(F, x[k]);
            FloatVector x1 = FloatVector.broadcast(F, x[k + 1]);
            ShortVector v0 = ByteVector.fromMemorySegment(Lanes.B, w, p0 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector s0 = v0.lanewise(VectorOperators.ASHR, 4).and(E4M3_BITS);
            ShortVector t0 = v0.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(E4M3_BITS);
            IntVector h0 = s0.add(REBIAS)
                    .blend(
                            s0.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(s0.and(SIGN)),
                            s0.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            IntVector l0 = t0.add(REBIAS)
                    .blend(
                            t0.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(t0.and(SIGN)),
                            t0.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            a0 = h0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a0);
            b0 = h0.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b0);
            a0 = l0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a0);
            b0 = l0.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b0);
            ShortVector v1 = ByteVector.fromMemorySegment(Lanes.B, w, p1 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector s1 = v1.lanewise(VectorOperators.ASHR, 4).and(E4M3_BITS);
            ShortVector t1 = v1.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(E4M3_BITS);
            IntVector h1 = s1.add(REBIAS)
                    .blend(
                            s1.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(s1.and(SIGN)),
                            s1.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            IntVector l1 = t1.add(REBIAS)
                    .blend(
                            t1.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(t1.and(SIGN)),
                            t1.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            a1 = h1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a1);
            b1 = h1.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b1);
            a1 = l1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a1);
            b1 = l1.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b1);
            ShortVector v2 = ByteVector.fromMemorySegment(Lanes.B, w, p2 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector s2 = v2.lanewise(VectorOperators.ASHR, 4).and(E4M3_BITS);
            ShortVector t2 = v2.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(E4M3_BITS);
            IntVector h2 = s2.add(REBIAS)
                    .blend(
                            s2.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(s2.and(SIGN)),
                            s2.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            IntVector l2 = t2.add(REBIAS)
                    .blend(
                            t2.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(t2.and(SIGN)),
                            t2.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            a2 = h2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a2);
            b2 = h2.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b2);
            a2 = l2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a2);
            b2 = l2.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b2);
            ShortVector v3 = ByteVector.fromMemorySegment(Lanes.B, w, p3 + q, ByteOrder.LITTLE_ENDIAN)
                    .reinterpretAsShorts();
            ShortVector s3 = v3.lanewise(VectorOperators.ASHR, 4).and(E4M3_BITS);
            ShortVector t3 = v3.lanewise(VectorOperators.LSHL, 8)
                    .lanewise(VectorOperators.ASHR, 4)
                    .and(E4M3_BITS);
            IntVector h3 = s3.add(REBIAS)
                    .blend(
                            s3.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(s3.and(SIGN)),
                            s3.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            IntVector l3 = t3.add(REBIAS)
                    .blend(
                            t3.lanewise(VectorOperators.LSHR, 4)
                                    .selectFrom(subnormals)
                                    .or(t3.and(SIGN)),
                            t3.and(EXPONENT).eq((short) 0))
                    .reinterpretAsInts();
            a3 = h3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a3);
            b3 = h3.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b3);
            a3 = l3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a3);
            b3 = l3.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b3);
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
}
