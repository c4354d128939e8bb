package io.altiplano.worker.tensor;

/** BF16: the upper half of an F32. */
public final class Bf16 {
    private Bf16() {}

    /** The F32 of the same value. */
    public static float decode(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest BF16, ties to even; NaN stays NaN. */
    public static short encode(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
    }

    /** Whether a value is one that BF16 can hold. */
    public static boolean isExact(float value) {
        return (Float.floatToRawIntBits(value) & 0xffff) == 0;
    }
}
