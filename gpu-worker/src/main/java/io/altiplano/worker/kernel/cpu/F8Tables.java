package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Tiles}' F8 loops for processors that look 64 bytes up in a table of 128 at once (AVX512-VBMI): half the instructions. A
 * table gives the high, another the low byte of a magnitude's BF16.
 */
final class F8Tables {
    /** Whether this machine has such instructions; without them the lookups would be the slow way. */
    static final boolean USABLE = Lanes.L == 16 && processorHasVbmi();

    static final VectorSpecies<Byte> B = ByteVector.SPECIES_512;
    static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    static final ByteVector HIGH0 = table(0, 8);
    static final ByteVector HIGH1 = table(64, 8);
    static final ByteVector LOW0 = table(0, 0);
    static final ByteVector LOW1 = table(64, 0);
    static final byte SIGN = (byte) 0x80;
    static final short UPPER = (short) 0xff00;
    static final short LOWER = 0x00ff;
    static final int HIGH_HALF = 0xffff0000;

    private F8Tables() {}

    private static boolean processorHasVbmi() {
        Path info = Path.of("/proc/cpuinfo");
        try (var lines = Files.lines(info)) {
            return lines.anyMatch(line -> line.startsWith("flags") && line.contains(" avx512vbmi "));
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    private static ByteVector table(int first, int shift) {
        byte[] bytes = new byte[64];
        for (int i = 0; i < 64; i++) {
            // The code of NaN is never among weights.
            int code = Math.min(first + i, 0x7e);
            bytes[i] = (byte) (Bf16.encode(E4m3.decode((byte) code)) >> shift);
        }
        return ByteVector.fromArray(B, bytes, 0);
    }

    /** As {@link Tiles#decode}. */
    static void decode(MemorySegment w, long from, int columns, float[] out) {
        ByteVector high0 = HIGH0;
        ByteVector high1 = HIGH1;
        ByteVector low0 = LOW0;
        ByteVector low1 = LOW1;
        for (int k = 0, at = 0; k < columns; k += 2, at += 64) {
            ByteVector v = ByteVector.fromMemorySegment(B, w, from + 32L * k, ByteOrder.LITTLE_ENDIAN);
            ShortVector h = v.selectFrom(high0, high1).or(v.and(SIGN)).reinterpretAsShorts();
            ShortVector l = v.selectFrom(low0, low1).reinterpretAsShorts();
            IntVector a = h.and(UPPER).or(l.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            IntVector b = h.lanewise(VectorOperators.LSHL, 8).or(l.and(LOWER)).reinterpretAsInts();
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
        ByteVector high0 = HIGH0;
        ByteVector high1 = HIGH1;
        ByteVector low0 = LOW0;
        ByteVector low1 = LOW1;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector b0 = FloatVector.zero(F);
        FloatVector a1 = FloatVector.zero(F);
        FloatVector b1 = FloatVector.zero(F);
        FloatVector a2 = FloatVector.zero(F);
        FloatVector b2 = FloatVector.zero(F);
        FloatVector a3 = FloatVector.zero(F);
        FloatVector b3 = FloatVector.zero(F);
        for (int q = 0, k = xFrom; q < 32 * columns; q += 64, k += 2) {
            FloatVector x0 = FloatVector.broadcast(F, x[k]);
            FloatVector x1 = FloatVector.broadcast(F, x[k + 1]);
            ByteVector v0 = ByteVector.fromMemorySegment(B, w, p0 + q, ByteOrder.LITTLE_ENDIAN);
            ShortVector h0 = v0.selectFrom(high0, high1).or(v0.and(SIGN)).reinterpretAsShorts();
            ShortVector l0 = v0.selectFrom(low0, low1).reinterpretAsShorts();
            IntVector c0 =
                    h0.and(UPPER).or(l0.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            IntVector d0 =
                    h0.lanewise(VectorOperators.LSHL, 8).or(l0.and(LOWER)).reinterpretAsInts();
            a0 = c0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a0);
            b0 = c0.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b0);
            a0 = d0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a0);
            b0 = d0.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b0);
            ByteVector v1 = ByteVector.fromMemorySegment(B, w, p1 + q, ByteOrder.LITTLE_ENDIAN);
            ShortVector h1 = v1.selectFrom(high0, high1).or(v1.and(SIGN)).reinterpretAsShorts();
            ShortVector l1 = v1.selectFrom(low0, low1).reinterpretAsShorts();
            IntVector c1 =
                    h1.and(UPPER).or(l1.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            IntVector d1 =
                    h1.lanewise(VectorOperators.LSHL, 8).or(l1.and(LOWER)).reinterpretAsInts();
            a1 = c1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a1);
            b1 = c1.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b1);
            a1 = d1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a1);
            b1 = d1.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b1);
            ByteVector v2 = ByteVector.fromMemorySegment(B, w, p2 + q, ByteOrder.LITTLE_ENDIAN);
            ShortVector h2 = v2.selectFrom(high0, high1).or(v2.and(SIGN)).reinterpretAsShorts();
            ShortVector l2 = v2.selectFrom(low0, low1).reinterpretAsShorts();
            IntVector c2 =
                    h2.and(UPPER).or(l2.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            IntVector d2 =
                    h2.lanewise(VectorOperators.LSHL, 8).or(l2.and(LOWER)).reinterpretAsInts();
            a2 = c2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a2);
            b2 = c2.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b2);
            a2 = d2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a2);
            b2 = d2.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b2);
            ByteVector v3 = ByteVector.fromMemorySegment(B, w, p3 + q, ByteOrder.LITTLE_ENDIAN);
            ShortVector h3 = v3.selectFrom(high0, high1).or(v3.and(SIGN)).reinterpretAsShorts();
            ShortVector l3 = v3.selectFrom(low0, low1).reinterpretAsShorts();
            IntVector c3 =
                    h3.and(UPPER).or(l3.lanewise(VectorOperators.LSHR, 8)).reinterpretAsInts();
            IntVector d3 =
                    h3.lanewise(VectorOperators.LSHL, 8).or(l3.and(LOWER)).reinterpretAsInts();
            a3 = c3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, a3);
            b3 = c3.and(HIGH_HALF).reinterpretAsFloats().fma(x0, b3);
            a3 = d3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x1, a3);
            b3 = d3.and(HIGH_HALF).reinterpretAsFloats().fma(x1, b3);
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
