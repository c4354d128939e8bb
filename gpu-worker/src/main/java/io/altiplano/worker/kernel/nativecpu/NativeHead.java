package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.KvPlane;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;
import java.lang.foreign.MemorySegment;

/**
 * Where native code finds one head's keys and values.
 *
 * @param keyScales of each token and head, empty where the type has none
 * @param table KV blocks of the sequence
 * @param heads KV heads of a block
 */
record NativeHead(
        KvType type,
        MemorySegment keys,
        MemorySegment keyScales,
        MemorySegment values,
        MemorySegment valueScales,
        MemorySegment table,
        long heads,
        long head,
        long headDim) {

    static NativeHead of(KvSlab kv, int head, int[] blocks) {
        MemorySegment table = MemorySegment.ofArray(blocks);
        KvType type = type(kv.keys());
        return new NativeHead(
                type,
                numbers(kv.keys()),
                scales(kv.keys()),
                numbers(kv.values()),
                scales(kv.values()),
                table,
                kv.heads(),
                head,
                kv.headDim());
    }

    /** Tokens of a head that there are scales for. */
    static long tokens(KvPlane plane) {
        return plane instanceof KvPlane.Fp8(byte[] codes, float[] scales) ? scales.length : Long.MAX_VALUE;
    }

    private static KvType type(KvPlane plane) {
        return switch (plane) {
            case KvPlane.F32 f -> KvType.F32;
            case KvPlane.Bfloat16 b -> KvType.BF16;
            case KvPlane.Fp8 f -> KvType.FP8;
        };
    }

    private static MemorySegment numbers(KvPlane plane) {
        return switch (plane) {
            case KvPlane.F32(float[] numbers) -> MemorySegment.ofArray(numbers);
            case KvPlane.Bfloat16(short[] numbers) -> MemorySegment.ofArray(numbers);
            case KvPlane.Fp8(byte[] codes, float[] scales) -> MemorySegment.ofArray(codes);
        };
    }

    private static MemorySegment scales(KvPlane plane) {
        return plane instanceof KvPlane.Fp8(byte[] codes, float[] scales)
                ? MemorySegment.ofArray(scales)
                : MemorySegment.NULL;
    }
}
