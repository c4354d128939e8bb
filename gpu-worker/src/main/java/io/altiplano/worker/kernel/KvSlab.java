package io.altiplano.worker.kernel;

/**
 * Keys and values of one layer's KV heads on one rank, in blocks of {@value #BLOCK} positions.
 *
 * @param keys {@code [block][head][headDim][16]}: a vector runs along positions
 * @param values {@code [block][head][16][headDim rounded up to 16]}: a vector runs along the head
 * @param heads KV heads held
 * @param headDim width of a head
 */
public record KvSlab(float[] keys, float[] values, int heads, int headDim) {
    /** Positions a block holds; it divides {@link ReductionOrder#CHUNK}. */
    public static final int BLOCK = 16;

    /** Floats between one position's values and the next one's. */
    public int valueWidth() {
        return valueWidth(headDim);
    }

    /** {@link #valueWidth()} of heads of this width. */
    public static int valueWidth(int headDim) {
        return (headDim + ReductionOrder.LANES - 1) / ReductionOrder.LANES * ReductionOrder.LANES;
    }

    /** Index of a block's keys of one head. */
    public int keyOffset(int block, int head) {
        return (block * heads + head) * headDim * BLOCK;
    }

    /** Index of a block's values of one head. */
    public int valueOffset(int block, int head) {
        return (block * heads + head) * valueWidth() * BLOCK;
    }
}
