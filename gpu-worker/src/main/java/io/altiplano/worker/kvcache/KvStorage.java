package io.altiplano.worker.kvcache;

import io.altiplano.worker.kernel.KvSlab;

/**
 * Keys and values of past positions as F32, in blocks of {@value #BLOCK} positions, of all layers, each rank holding its own
 * KV heads. Which sequence holds which block is the block pool's business, not this class's.
 *
 * <p>A slot that no row has written may hold anything: attention reads only the slots of the positions that a row sees, so a
 * block needs no clearing when it changes hands.
 */
public final class KvStorage {
    /** Positions a block holds. */
    public static final int BLOCK = KvSlab.BLOCK;

    private final int blocks;
    private final KvSlab[][] slabs;

    /**
     * @param blocks blocks to allocate
     * @param layers transformer blocks of the model
     * @param ranks tensor-parallel ranks; divides {@code kvHeads}
     * @param kvHeads KV heads of the model
     * @param headDim width of a head
     * @throws IllegalArgumentException if one layer's share of a rank exceeds what an array can hold
     */
    public KvStorage(int blocks, int layers, int ranks, int kvHeads, int headDim) {
        if (blocks <= 0 || kvHeads % ranks != 0) {
            throw new IllegalArgumentException("KV storage of %d blocks over %d ranks of %d KV heads is impossible"
                    .formatted(blocks, ranks, kvHeads));
        }
        int heads = kvHeads / ranks;
        long keyFloats = (long) blocks * heads * headDim * BLOCK;
        long valueFloats = (long) blocks * heads * KvSlab.valueWidth(headDim) * BLOCK;
        if (valueFloats > Integer.MAX_VALUE - 64) {
            throw new IllegalArgumentException(
                    "%d KV blocks are too many for one layer of one rank: use fewer blocks or more ranks"
                            .formatted(blocks));
        }
        this.blocks = blocks;
        slabs = new KvSlab[ranks][layers];
        for (KvSlab[] rank : slabs) {
            for (int layer = 0; layer < layers; layer++) {
                rank[layer] = new KvSlab(new float[(int) keyFloats], new float[(int) valueFloats], heads, headDim);
            }
        }
    }

    /** Blocks in the storage; block ids are {@code 0..blocks-1}. */
    public int blocks() {
        return blocks;
    }

    /** Bytes held over all ranks. */
    public long bytes() {
        long floats = 0;
        for (KvSlab[] rank : slabs) {
            for (KvSlab slab : rank) {
                floats += (long) slab.keys().length + slab.values().length;
            }
        }
        return 4 * floats;
    }

    /** Ranks the heads are shared over. */
    public int ranks() {
        return slabs.length;
    }

    /** Transformer blocks stored. */
    public int layers() {
        return slabs[0].length;
    }

    /** One rank's share of one layer. */
    public KvSlab slab(int rank, int layer) {
        return slabs[rank][layer];
    }
}
