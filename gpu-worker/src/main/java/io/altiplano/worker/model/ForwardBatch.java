package io.altiplano.worker.model;

import org.jspecify.annotations.Nullable;

/**
 * The rows of one forward pass: prefill and decode rows of several sequences mixed freely. Row {@code i} is the token {@code
 * tokens[i]} at absolute position {@code positions[i]} of sequence {@code sequence[i]}. Keys and values of all rows are
 * written before attention reads, so rows of one sequence may follow each other in one batch.
 *
 * @param tokens token ids
 * @param positions absolute positions, ascending within a sequence
 * @param sequence index into {@code blockTables}
 * @param blockTables for each sequence, its KV blocks: block {@code j} holds positions {@code 16j..16j+15}
 * @param adapters for each sequence, the adapter that its rows go through; null for none
 * @param logitRows the rows whose next-token logits are wanted
 */
public record ForwardBatch(
        int[] tokens,
        int[] positions,
        int[] sequence,
        int[][] blockTables,
        @Nullable LoraAdapter[] adapters,
        int[] logitRows) {
    /** Without adapters. */
    public ForwardBatch(int[] tokens, int[] positions, int[] sequence, int[][] blockTables, int[] logitRows) {
        this(tokens, positions, sequence, blockTables, new @Nullable LoraAdapter[blockTables.length], logitRows);
    }

    public ForwardBatch {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("A forward pass needs at least one row");
        }
        if (positions.length != tokens.length || sequence.length != tokens.length) {
            throw new IllegalArgumentException("tokens, positions and sequence differ in length: %d, %d, %d"
                    .formatted(tokens.length, positions.length, sequence.length));
        }
        if (adapters.length != blockTables.length) {
            throw new IllegalArgumentException(
                    "%d adapters for %d sequences".formatted(adapters.length, blockTables.length));
        }
        for (int row : logitRows) {
            if (row < 0 || row >= tokens.length) {
                throw new IllegalArgumentException("Logit row %d is not one of %d rows".formatted(row, tokens.length));
            }
        }
    }

    /** Rows in the batch. */
    public int rows() {
        return tokens.length;
    }
}
