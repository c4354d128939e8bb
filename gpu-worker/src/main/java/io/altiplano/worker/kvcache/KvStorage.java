package io.altiplano.worker.kvcache;

import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;

/**
 * Keys and values of past positions, in blocks of {@value #BLOCK} positions, of all layers, each rank holding its own
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
     * @param type how numbers are held
     * @param blocks blocks to allocate
     * @param layers transformer blocks of the model
     * @param ranks tensor-parallel ranks; divides {@code kvHeads}
     * @param kvHeads KV heads of the model
     * @param headDim width of a head
     * @throws IllegalArgumentException if one layer's share of a rank exceeds what an array can hold
     */
    public KvStorage(KvType type, int blocks, int layers, int ranks, int kvHeads, int headDim) {
        if (blocks <= 0 || kvHeads % ranks != 0) {
            throw new IllegalArgumentException("KV storage of %d blocks over %d ranks of %d KV heads is impossible"
                    .formatted(blocks, ranks, kvHeads));
        }
        int heads = kvHeads / ranks;
        long values = (long) blocks * heads * KvSlab.valueWidth(headDim) * BLOCK;
        if (values > Integer.MAX_VALUE - 64) {
            throw new IllegalArgumentException(
                    "%d KV blocks are too many for one layer of one rank: use fewer blocks or more ranks"
                            .formatted(blocks));
        }
        this.blocks = blocks;
        slabs = new KvSlab[ranks][layers];
        for (KvSlab[] rank : slabs) {
            for (int layer = 0; layer < layers; layer++) {
                rank[layer] = KvSlab.of(type, blocks, heads, headDim);
            }
        }
    }

    /** Blocks in the storage; block ids are {@code 0..blocks-1}. */
    public int blocks() {
        return blocks;
    }

    /** Bytes held over all ranks. */
    public long bytes() {
        long bytes = 0;
        for (KvSlab[] rank : slabs) {
            for (KvSlab slab : rank) {
                bytes += slab.bytes();
            }
        }
        return bytes;
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
