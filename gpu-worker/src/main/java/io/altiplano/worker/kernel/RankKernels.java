package io.altiplano.worker.kernel;

/**
 * The operations of a Llama forward pass on one rank's share. Matrices are row-major without gaps; {@code rows} is the number
 * of tokens. For one caller thread; keeps scratch memory between calls.
 */
public interface RankKernels extends AutoCloseable {
    /**
     * The unscaled sums of the slices that {@code w} owns: {@code out[m][n] = T}; see {@link ReductionOrder}.
     *
     * @param x [rows, {@code w.slicing().localColumns()}]; E4M3 values if {@code w} is F8
     * @param out [rows, {@code w.rows()}]
     */
    void matmul(PackedMatrix w, float[] x, int rows, float[] out);

    /** {@code absMax[m] = max |x[m]|}; NaN if the row holds a NaN. */
    void rowAbsMax(float[] x, int rows, int width, float[] absMax);

    /**
     * Replaces each row by E4M3 values: {@code x = E4M3(x / scale)}. A row whose scale is NaN becomes zeros.
     *
     * @param scales one a row; see {@link ActivationScaling}
     */
    void quantize(float[] x, int rows, int width, float[] scales);

    /** {@code out = x / sqrt(mean(x^2) + epsilon) * weight}, row by row. */
    void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out);

    /**
     * {@code out[m][h] = softmax(scale * q k^T) v} over the positions that row m sees.
     *
     * @param qkv query heads first in each row
     * @param stride floats between rows of {@code qkv}
     * @param heads query heads; a multiple of the slab's heads
     * @param out [rows, heads * headDim]
     */
    void attention(AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out);

    /** {@code out[m][i] = silu(gateUp[m][i]) * gateUp[m][width + i]}. */
    void swiGlu(float[] gateUp, int rows, int width, float[] out);

    @Override
    void close();
}
