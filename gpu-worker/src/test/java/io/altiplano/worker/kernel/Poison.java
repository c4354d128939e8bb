package io.altiplano.worker.kernel;

import java.util.Arrays;

/** What slots hold that nobody has written. */
public final class Poison {
    private Poison() {}

    /** Fills a slab with NaN. */
    public static void fill(KvSlab slab) {
        fill(slab.keys());
        fill(slab.values());
    }

    private static void fill(KvPlane plane) {
        switch (plane) {
            case KvPlane.F32(float[] numbers) -> Arrays.fill(numbers, Float.NaN);
            case KvPlane.Bfloat16(short[] numbers) -> Arrays.fill(numbers, (short) 0x7fc0);
            case KvPlane.Fp8(byte[] codes, float[] scales) -> {
                Arrays.fill(codes, (byte) 0x7f);
                Arrays.fill(scales, Float.NaN);
            }
        }
    }
}
