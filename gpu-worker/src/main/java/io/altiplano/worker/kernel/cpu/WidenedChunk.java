package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.I;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.kernel.KvPlane;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.ReductionOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * One head's keys and values of a chunk of 256 positions as F32, for the query heads that share them: what is held in fewer bits is
 * widened once and stays in the second-level cache. What is held as F32 is used where it lies.
 */
final class WidenedChunk {
    private static final int BLOCK = KvSlab.BLOCK;
    private static final int BLOCKS = ReductionOrder.CHUNK / BLOCK;
    private static final VectorSpecies<Short> HALF =
            VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    /** There are no vectors of fewer than 64 bits: the upper half of it is not used where an F32 vector has 4 lanes. */
    private static final VectorSpecies<Byte> QUARTER =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, F.vectorBitSize() / 4)));

    private static final int[] IN_ORDER = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    /** E4M3's bits read as the upper ones of an F32 are too small by this, subnormals too. */
    private static final float E4M3_BIAS = 0x1p120f;

    private KvSlab wide = new KvSlab(new KvPlane.F32(new float[0]), new KvPlane.F32(new float[0]), 1, 1);
    /** Where the chunk's blocks are, its head, and which array they are in. */
    int[] table = IN_ORDER;

    int first;
    int head;
    KvSlab slab = wide;

    /**
     * @param chunk first position
     * @param seen positions that are seen from there
     */
    void read(KvSlab kv, int kvHead, int[] blocks, int chunk, int seen) {
        if (kv.keys() instanceof KvPlane.F32) {
            table = blocks;
            first = chunk / BLOCK;
            head = kvHead;
            slab = kv;
            return;
        }
        if (wide.headDim() != kv.headDim() || wide.keys().bytes() == 0) {
            wide = KvSlab.of(KvType.F32, BLOCKS, 1, kv.headDim());
        }
        table = IN_ORDER;
        first = 0;
        head = 0;
        slab = wide;
        float[] keys = numbers(wide.keys());
        float[] values = numbers(wide.values());
        for (int b = 0; b * BLOCK < seen; b++) {
            int block = blocks[chunk / BLOCK + b];
            int token = kv.tokenOffset(block, kvHead);
            int keyFrom = kv.keyOffset(block, kvHead);
            int valueFrom = kv.valueOffset(block, kvHead);
            int keyTo = wide.keyOffset(b, 0);
            int valueTo = wide.valueOffset(b, 0);
            int slots = Math.min(BLOCK, seen - b * BLOCK);
            switch (kv.keys()) {
                case KvPlane.Bfloat16(short[] from) -> bf16(from, keyFrom, keys, keyTo, kv.headDim() * BLOCK);
                case KvPlane.Fp8(byte[] codes, float[] scales) -> {
                    for (int d = 0; d < kv.headDim(); d++) {
                        for (int lane = 0; lane < BLOCK; lane += L) {
                            int at = d * BLOCK + lane;
                            e4m3(codes, keyFrom + at, FloatVector.fromArray(F, scales, token + lane))
                                    .intoArray(keys, keyTo + at);
                        }
                    }
                }
                case KvPlane.F32 f -> throw new IllegalStateException("used where it lies");
            }
            int width = kv.valueWidth();
            switch (kv.values()) {
                case KvPlane.Bfloat16(short[] from) -> bf16(from, valueFrom, values, valueTo, slots * width);
                case KvPlane.Fp8(byte[] codes, float[] scales) -> {
                    for (int slot = 0; slot < slots; slot++) {
                        FloatVector scale = FloatVector.broadcast(F, scales[token + slot]);
                        for (int at = slot * width; at < (slot + 1) * width; at += L) {
                            e4m3(codes, valueFrom + at, scale).intoArray(values, valueTo + at);
                        }
                    }
                }
                case KvPlane.F32 f -> throw new IllegalStateException("used where it lies");
            }
        }
    }

    static float[] numbers(KvPlane plane) {
        return ((KvPlane.F32) plane).numbers();
    }

    private static void bf16(short[] from, int at, float[] to, int out, int count) {
        for (int i = 0; i < count; i += L) {
            IntVector bits =
                    (IntVector) ShortVector.fromArray(HALF, from, at + i).convertShape(VectorOperators.S2I, I, 0);
            bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(to, out + i);
        }
    }

    private static FloatVector e4m3(byte[] codes, int at, FloatVector scale) {
        IntVector wide = (IntVector) ByteVector.fromArray(QUARTER, codes, at).convertShape(VectorOperators.B2I, I, 0);
        IntVector magnitude = wide.and(0x7f).lanewise(VectorOperators.LSHL, 20);
        IntVector sign = wide.and(0x80).lanewise(VectorOperators.LSHL, 24);
        return magnitude.or(sign).reinterpretAsFloats().mul(E4M3_BIAS).mul(scale);
    }
}
