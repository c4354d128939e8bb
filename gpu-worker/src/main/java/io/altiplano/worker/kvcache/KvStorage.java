package io.altiplano.worker.kvcache;

/**
 * Keys and values of past positions, in blocks of {@value #BLOCK} positions, of all layers, each rank holding its own KV
 * heads. Which sequence holds which block is the block pool's business, not this class's.
 *
 * <p>A slot that no row has written may hold anything: attention reads only the slots of the positions that a row sees, so a
 * block needs no clearing when it changes hands.
 */
public final class KvStorage {
    /** Positions a block holds. */
    public static final int BLOCK = 16;

    private final int blocks;
    private final int layers;
    private final int kvHeads;
    private final int headDim;
    private final int widthV;
    private final float[][][] keys;
    private final float[][][] values;

    /**
     * @param blocks blocks to allocate
     * @param ranks tensor-parallel ranks; divides {@code kvHeads}
     */
    public KvStorage(int blocks, int layers, int ranks, int kvHeads, int headDim) {
        if (blocks <= 0 || kvHeads % ranks != 0) {
            throw new IllegalArgumentException("KV storage of %d blocks over %d ranks of %d KV heads is impossible"
                    .formatted(blocks, ranks, kvHeads));
        }
        this.blocks = blocks;
        this.layers = layers;
        this.kvHeads = kvHeads / ranks;
        this.headDim = headDim;
        this.widthV = (headDim + 15) / 16 * 16;
        long keyFloats = (long) blocks * this.kvHeads * headDim * BLOCK;
        long valueFloats = (long) blocks * this.kvHeads * widthV * BLOCK;
        if (Math.max(keyFloats, valueFloats) > Integer.MAX_VALUE - 64) {
            throw new IllegalArgumentException(
                    "%d KV blocks are too many for one layer of one rank: use fewer blocks or more ranks"
                            .formatted(blocks));
        }
        keys = new float[ranks][layers][(int) keyFloats];
        values = new float[ranks][layers][(int) valueFloats];
    }

    /** Blocks in the storage; block ids are {@code 0..blocks-1}. */
    public int blocks() {
        return blocks;
    }

    /** Bytes held over all ranks. */
    public long bytes() {
        long floats = 0;
        for (int rank = 0; rank < keys.length; rank++) {
            for (int layer = 0; layer < layers; layer++) {
                floats += (long) keys[rank][layer].length + values[rank][layer].length;
            }
        }
        return 4 * floats;
    }

    /** KV heads that one rank holds. */
    public int kvHeadsPerRank() {
        return kvHeads;
    }

    /** Keys of one rank and layer: {@code [block][head][headDim][16]}, so that a vector runs along positions. */
    public float[] keys(int rank, int layer) {
        return keys[rank][layer];
    }

    /** Values of one rank and layer: {@code [block][head][16][headDim rounded up to 16]}, a vector running along a head. */
    public float[] values(int rank, int layer) {
        return values[rank][layer];
    }

    /** Width of one head. */
    public int headDim() {
        return headDim;
    }
}
