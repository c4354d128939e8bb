package io.altiplano.worker.batch;

import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.BlockTable;
import java.util.Arrays;

/**
 * The tokens of one job, prompt and answer alike, and how many of them have their keys and values in the cache. For one
 * thread.
 */
public final class Sequence {
    private final BlockTable table;
    private int[] tokens;
    private int length;
    private int computed;

    /**
     * @param tokens what is known so far, at least one
     * @param pool where its blocks come from
     */
    public Sequence(int[] tokens, BlockPool pool) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a sequence needs at least one token");
        }
        this.tokens = tokens.clone();
        this.length = tokens.length;
        this.table = new BlockTable(pool);
    }

    /** Adds the token that was just chosen. */
    public void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, Math.max(16, 2 * length));
        }
        tokens[length++] = token;
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
