package io.altiplano.worker.kernel;

/**
 * Keys and values of one layer's KV heads on one rank, in blocks of {@value #BLOCK} positions.
 *
 * @param keys {@code [block][head][headDim][16]}: a vector runs along positions
 * @param values {@code [block][head][16][headDim rounded up to 16]}: a vector runs along the head
 * @param heads KV heads held
 * @param headDim width of a head
 */
public record KvSlab(KvPlane keys, KvPlane values, int heads, int headDim) {
    /** Positions a block holds; it divides {@link ReductionOrder#CHUNK}. */
    public static final int BLOCK = 16;

    /** An empty slab. Scales, where the type has them, are {@code [block][head][16]}. */
    public static KvSlab of(KvType type, int blocks, int heads, int headDim) {
        int tokens = blocks * heads * BLOCK;
        return new KvSlab(
                KvPlane.of(type, tokens * headDim, tokens),
                KvPlane.of(type, tokens * valueWidth(headDim), tokens),
                heads,
                headDim);
    }

    /** Numbers between one position's values and the next one's. */
    public int valueWidth() {
        return valueWidth(headDim);
    }

    /** {@link #valueWidth()} of heads of this width. */
    public static int valueWidth(int headDim) {
        return (headDim + ReductionOrder.LANES - 1) / ReductionOrder.LANES * ReductionOrder.LANES;
    }

    /** Blocks held. */
    public int blocks() {
        return keys.count() / (heads * headDim * BLOCK);
    }

    /** Index of a block's first token of one head. */
    public int tokenOffset(int block, int head) {
        return (block * heads + head) * BLOCK;
    }

    /** Index of a block's keys of one head. */
    public int keyOffset(int block, int head) {
        return (block * heads + head) * headDim * BLOCK;
    }

    /** Index of a block's values of one head. */
    public int valueOffset(int block, int head) {
        return (block * heads + head) * valueWidth() * BLOCK;
    }

    /** A key's number. */
    public float key(int block, int head, int slot, int d) {
        return keys.get(keyOffset(block, head) + d * BLOCK + slot, tokenOffset(block, head) + slot);
    }

    /** A value's number. */
    public float value(int block, int head, int slot, int d) {
        return values.get(valueOffset(block, head) + slot * valueWidth() + d, tokenOffset(block, head) + slot);
    }

    /** Stores a token's key and value of one head, each {@code headDim} numbers. */
    public void store(int block, int head, int slot, float[] x, int key, int value) {
        int token = tokenOffset(block, head) + slot;
        keys.store(x, key, headDim, keyOffset(block, head) + slot, BLOCK, token);
        values.store(x, value, headDim, valueOffset(block, head) + slot * valueWidth(), 1, token);
    }

    /** Bytes held. */
    public long bytes() {
        return keys.bytes() + values.bytes();
    }
}
