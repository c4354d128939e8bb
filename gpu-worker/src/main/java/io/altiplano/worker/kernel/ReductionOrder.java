package io.altiplano.worker.kernel;

/**
 * The one order in which every CPU backend adds numbers up. Floating-point addition is not associative; an order that depends
 * on the batch, the tiling, the vector width or the number of ranks would make an answer depend on its neighbours and on the
 * machine. Here it depends on neither, so equality of bits is the test for batching, chunked prefill, preemption, prefix reuse,
 * retries and tensor parallelism.
 *
 * <p><b>Matrix products.</b> The K columns are cut into {@value #SLICES} slices of {@code S = ceil(K / 8)} columns, missing
 * columns counting as zeros. Each slice is one chain of fused multiply-adds in ascending k, starting at +0; the eight chains
 * are added in a fixed binary tree; scales come last:
 *
 * <pre>
 *   chain(s): a = 0; for k in s*S .. (s+1)*S-1: a = fma(w[n][k], x[m][k], a)
 *   T         = ((c0+c1)+(c2+c3)) + ((c4+c5)+(c6+c7))
 *   y[m][n]   = (T * wscale[n]) * xscale[m]
 * </pre>
 *
 * Vectors run along the output rows n and k is sequential in every lane, so no horizontal sum exists and no tiling can change a
 * bit. A tensor-parallel rank of a column-split matrix owns whole slices, computes their subtree, and the all-reduce by
 * recursive doubling adds the rest of the same tree, before the scales.
 *
 * <p><b>Sums along a row</b> (the squares of RMSNorm, the weights of softmax): {@value #LANES} lanes by index modulo 16, each
 * ascending, then {@link #tree}.
 *
 * <p><b>Attention</b>: positions in chunks of {@value #CHUNK} absolute positions aligned to 0. In a chunk: scores by a chain
 * over the head's width, then times the scale; their maximum; {@link #exp} of the differences; their sum by lanes; the output
 * by a chain over positions. Chunks are folded left to right. A chunk wholly beyond the row's position does not exist.
 *
 * <p>{@code docs/decisions/0003-one-reduction-order.md} says what was refused and why.
 */
public final class ReductionOrder {
    /** Changes whenever any result may change in any bit. */
    public static final int VERSION = 1;
    /** Slices of a matrix product's inner dimension. */
    public static final int SLICES = 8;
    /** Lanes of a sum along a row. */
    public static final int LANES = 16;
    /** Positions of an attention chunk. */
    public static final int CHUNK = 256;

    /** Arguments of {@link #exp} below this give 0. */
    public static final float EXP_MIN = -87f;
    /** Arguments of {@link #exp} above this count as this; its result is finite. */
    public static final float EXP_MAX = 88f;

    static final float LOG2_E = 1.44269504f;
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;
    static final float ROUNDER = 0x1.8p23f;

    private ReductionOrder() {}

    /** The constants of {@link #exp}, for backends that compute it in vectors. */
    public static final class Exp {
        public static final float LOG2_E = ReductionOrder.LOG2_E;
        public static final float LN2_HIGH = ReductionOrder.LN2_HIGH;
        public static final float LN2_LOW = ReductionOrder.LN2_LOW;
        /** Adding and subtracting it rounds to an integer, ties to even; its low bits then hold that integer. */
        public static final float ROUNDER = ReductionOrder.ROUNDER;

        public static final int ROUNDER_BITS = Float.floatToRawIntBits(ROUNDER);
        public static final float P0 = 1.9875691500e-4f;
        public static final float P1 = 1.3981999507e-3f;
        public static final float P2 = 8.3334519073e-3f;
        public static final float P3 = 4.1665795894e-2f;
        public static final float P4 = 1.6666665459e-1f;
        public static final float P5 = 5.0000001201e-1f;

        private Exp() {}
    }

    /** Adds 16 lanes: i with i+8, then i+4, i+2, i+1. Overwrites {@code lanes}. */
    public static float tree(float[] lanes) {
        for (int distance = LANES / 2; distance > 0; distance /= 2) {
            for (int i = 0; i < distance; i++) {
                lanes[i] += lanes[i + distance];
            }
        }
        return lanes[0];
    }

    /**
     * e^x by the Cephes polynomial in a fixed sequence of operations; exp(0) is exactly 1, relative error below 2^-22 (tested
     * against {@link StrictMath#exp}), 0 below {@value #EXP_MIN}, NaN for NaN.
     */
    public static float exp(float argument) {
        if (argument < EXP_MIN) {
            return 0f;
        }
        float x = Math.min(argument, EXP_MAX);
        float shifted = x * Exp.LOG2_E + Exp.ROUNDER;
        float n = shifted - Exp.ROUNDER;
        float r = Math.fma(-n, Exp.LN2_LOW, Math.fma(-n, Exp.LN2_HIGH, x));
        float p = Exp.P0;
        p = Math.fma(p, r, Exp.P1);
        p = Math.fma(p, r, Exp.P2);
        p = Math.fma(p, r, Exp.P3);
        p = Math.fma(p, r, Exp.P4);
        p = Math.fma(p, r, Exp.P5);
        p = Math.fma(p, r * r, r) + 1f;
        int exponent = Float.floatToRawIntBits(shifted) - Exp.ROUNDER_BITS + 127;
        return p * Float.intBitsToFloat(exponent << 23);
    }
}
