package io.altiplano.worker.kvcache;

import java.util.Arrays;

/** The KV blocks of one sequence: entry j holds positions 16j to 16j+15. For one thread. */
public final class BlockTable {
    private final BlockPool pool;
    private int[] blocks = new int[4];
    private int size;

    /** An empty table over a pool. */
    public BlockTable(BlockPool pool) {
        this.pool = pool;
    }

    /** Blocks that so many positions need. */
    public static int blocksFor(int positions) {
        return (positions + KvStorage.BLOCK - 1) / KvStorage.BLOCK;
    }

    /**
     * Makes room for positions 0 to positions-1.
     *
     * @return false, with nothing taken, if the pool has too few blocks
     */
    public boolean grow(int positions) {
        int needed = blocksFor(positions);
        if (needed - size > pool.free()) {
            return false;
        }
        if (needed > blocks.length) {
            blocks = Arrays.copyOf(blocks, Math.max(needed, 2 * blocks.length));
        }
        while (size < needed) {
            blocks[size++] = pool.take();
        }
        return true;
    }

    /** Gives every block back. */
    public void release() {
        while (size > 0) {
            pool.give(blocks[--size]);
        }
    }

    /** Blocks held. */
    public int size() {
        return size;
    }

    /** The block ids in order of position. */
    public int[] blocks() {
        return Arrays.copyOf(blocks, size);
    }
}
