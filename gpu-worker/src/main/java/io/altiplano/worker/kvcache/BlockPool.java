package io.altiplano.worker.kvcache;

import java.util.BitSet;

/**
 * Which KV blocks are free. A block has one holder at a time; taking what is not free and giving back what is not taken are
 * errors, at once. For one thread.
 */
public final class BlockPool {
    private final int total;
    private final BitSet taken;

    /** With {@code total} blocks, ids 0 to total-1, all free. */
    public BlockPool(int total) {
        if (total < 1) {
            throw new IllegalArgumentException("a block pool needs at least one block, not " + total);
        }
        this.total = total;
        this.taken = new BitSet(total);
    }

    /** Blocks in all. */
    public int total() {
        return total;
    }

    /** Blocks that nobody holds. */
    public int free() {
        return total - taken.cardinality();
    }

    /** Takes the free block of the lowest id. */
    int take() {
        int block = taken.nextClearBit(0);
        if (block >= total) {
            throw new IllegalStateException("no KV block is free");
        }
        taken.set(block);
        return block;
    }

    /** Gives a block back. */
    void give(int block) {
        if (!taken.get(block)) {
            throw new IllegalStateException("KV block " + block + " was given back but is not taken");
        }
        taken.clear(block);
    }

    /**
     * The conservation check: nothing runs, so nothing may be held.
     *
     * @throws IllegalStateException if a block is
     */
    public void requireAllFree() {
        if (!taken.isEmpty()) {
            throw new IllegalStateException(
                    "no sequence runs, but " + taken.cardinality() + " KV blocks are held: " + taken);
        }
    }
}
