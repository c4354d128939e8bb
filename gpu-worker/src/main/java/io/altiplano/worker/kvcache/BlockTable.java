package io.altiplano.worker.kvcache;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The KV blocks of one sequence: entry j holds positions 16j to 16j+15. Full blocks can be named, and found by sequences that begin
 * alike. For one thread.
 */
public final class BlockTable {
    private final BlockPool pool;
    private final @Nullable PrefixChain chain;
    private int[] blocks = new int[4];
    private int size;
    /** Blocks whose names were offered to the pool. */
    private int named;

    /** An empty table over a pool, whose blocks are shared with nobody. */
    public BlockTable(BlockPool pool) {
        this(pool, null);
    }

    /**
     * An empty table over a pool.
     *
     * @param chain names the blocks; null to share them with nobody
     */
    public BlockTable(BlockPool pool, @Nullable PrefixChain chain) {
        this.pool = pool;
        this.chain = chain;
    }

    /** Blocks that so many positions need. */
    public static int blocksFor(int positions) {
        return (positions + KvStorage.BLOCK - 1) / KvStorage.BLOCK;
    }

    /**
     * Takes the blocks of the longest known beginning of these tokens, in whole blocks and less than all tokens: the last one is
     * to be computed anyway, for what follows it. The table must be empty.
     *
     * @return positions that need not be computed
     */
    public int reuse(int[] tokens, int length) {
        if (chain == null) {
            return 0;
        }
        while ((size + 1) * KvStorage.BLOCK < length) {
            int block = pool.share(chain.name(size, tokens));
            if (block < 0) {
                break;
            }
            append(block);
        }
        named = size;
        return size * KvStorage.BLOCK;
    }

    /** The first so many positions have their keys and values: full blocks among them can be found by others from now on. */
    public void computed(int[] tokens, int positions) {
        while (chain != null && (named + 1) * KvStorage.BLOCK <= positions) {
            pool.name(blocks[named], chain.name(named, tokens), chain.label(named));
            named++;
        }
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
        while (size < needed) {
            append(pool.take());
        }
        return true;
    }

    private void append(int block) {
        if (size == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * size);
        }
        blocks[size++] = block;
    }

    /** Gives every block back, the last first: of what is kept, beginnings last longest. */
    public void release() {
        while (size > 0) {
            pool.give(blocks[--size]);
        }
        named = 0;
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
