package io.altiplano.worker.tensor;

/**
 * FP8 E4M3 (the "FN" variant of "FP8 Formats for Deep Learning", arXiv 2209.05433): sign, 4 exponent bits of bias 7, 3
 * mantissa bits; largest finite value 448, no infinities, NaN at 0x7f and 0xff, smallest subnormal 2^-9. Conversion rounds to
 * nearest, ties to even, and saturates at 448.
 *
 * <p>Row-wise scales: a row is stored as {@code value / scale} with {@code scale = max|row| / 448}, so that its largest value
 * uses the whole range.
 */
public final class E4m3 {
    /** The largest finite value. */
    public static final float MAX = 448f;
    /** The lower bound of a row's absolute maximum, which keeps scales away from zero. */
    public static final float MIN_ABS_MAX = 1e-12f;

    /** Below this, values are multiples of 2^-9. */
    public static final float SMALLEST_NORMAL = 0x1p-6f;
    /** Adding and subtracting it rounds to a multiple of 2^-9, ties to even. */
    public static final float SUBNORMAL_ROUNDER = 0x1.8p14f;

    private E4m3() {}

    /** The scale of a row with this absolute maximum; NaN for NaN. */
    public static float scaleOf(float absMax) {
        return Math.max(absMax, MIN_ABS_MAX) / MAX;
    }

    /** The nearest E4M3 value as F32; values beyond ±448, infinities too, saturate; NaN becomes 0. */
    public static float round(float value) {
        if (Float.isNaN(value)) {
            return 0f;
        }
        float magnitude = Math.min(Math.abs(value), MAX);
        float rounded;
        if (magnitude < SMALLEST_NORMAL) {
            rounded = (magnitude + SUBNORMAL_ROUNDER) - SUBNORMAL_ROUNDER;
        } else {
            int bits = Float.floatToRawIntBits(magnitude);
            rounded = Float.intBitsToFloat((bits + 0x7ffff + ((bits >>> 20) & 1)) & 0xfff00000);
        }
        return Math.copySign(rounded, value);
    }

    /** The code of the nearest value; see {@link #round}. */
    public static byte encode(float value) {
        float rounded = round(value);
        int sign = Float.floatToRawIntBits(rounded) >>> 24 & 0x80;
        float magnitude = Math.abs(rounded);
        int code = magnitude < SMALLEST_NORMAL
                ? (int) (magnitude * 0x1p9f)
                : (Float.floatToRawIntBits(magnitude) >>> 20) - (120 << 3);
        return (byte) (sign | code);
    }

    /** The value of a code; NaN for 0x7f and 0xff. */
    public static float decode(byte code) {
        int magnitude = code & 0x7f;
        if (magnitude == 0x7f) {
            return Float.NaN;
        }
        float value = magnitude < 8 ? magnitude * 0x1p-9f : Float.intBitsToFloat((magnitude << 20) + (120 << 23));
        return code < 0 ? -value : value;
    }
}
