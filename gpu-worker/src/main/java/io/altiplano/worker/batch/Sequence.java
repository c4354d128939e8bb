package io.altiplano.worker.batch;

import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.BlockTable;
import io.altiplano.worker.kvcache.PrefixChain;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of one job, prompt and answer alike, and how many of them have their keys and values in the cache. For one
 * thread.
 */
public final class Sequence {
    private final BlockTable table;
    private final boolean yields;
    private int[] tokens;
    private int length;
    private int computed;
    /** Tokens that were there at the first admission; -1 before. */
    private int reused = -1;

    /** A sequence that shares its blocks with nobody. */
    public Sequence(int[] tokens, BlockPool pool) {
        this(tokens, pool, null);
    }

    /**
     * @param tokens what is known so far, at least one
     * @param pool where its blocks come from
     * @param chain names its blocks for those who may share them; null for nobody
     */
    public Sequence(int[] tokens, BlockPool pool, @Nullable PrefixChain chain) {
        this(tokens, pool, chain, false);
    }

    /**
     * @param yields whether it gives way to sequences that do not: nobody waits for its tokens one by one
     */
    public Sequence(int[] tokens, BlockPool pool, @Nullable PrefixChain chain, boolean yields) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a sequence needs at least one token");
        }
        this.tokens = tokens.clone();
        this.length = tokens.length;
        this.table = new BlockTable(pool, chain);
        this.yields = yields;
    }

    /** Adds the token that was just chosen. */
    public void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(16, 2 * length));
        }
        tokens[length++] = token;
    }

    /** Whether it gives way to sequences that do not. */
    boolean yields() {
        return yields;
    }

    /** KV blocks held. */
    int held() {
        return table.size();
    }

    /** Tokens known. */
    public int length() {
        return length;
    }

    /** The token at a position. */
    public int token(int position) {
        return tokens[position];
    }

    /** Tokens whose keys and values are in the cache: positions 0 to computed-1. */
    public int computed() {
        return computed;
    }

    /** Its KV blocks in order. */
    public int[] blocks() {
        return table.blocks();
    }

    int pending() {
        return length - computed;
    }

    /** Tokens whose keys and values were there when it was first admitted. */
    public int reused() {
        return Math.max(0, reused);
    }

    /** The keys and values of positions 0 to positions-1 are in the cache for good: others may use them. */
    public void computedUpTo(int positions) {
        table.computed(tokens, positions);
    }

    /** Takes what others have computed of it, and room for the rest and one token more; false, with nothing taken, if there is none. */
    boolean admit() {
        int known = table.reuse(tokens, length);
        if (!table.grow(length + 1)) {
            table.release();
            return false;
        }
        computed = known;
        reused = reused < 0 ? known : reused;
        return true;
    }

    boolean reserve(int positions) {
        return table.grow(positions);
    }

    void advance(int count) {
        computed += count;
    }

    void release() {
        table.release();
        computed = 0;
    }
}
