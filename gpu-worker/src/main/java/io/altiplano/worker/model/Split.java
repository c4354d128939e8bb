package io.altiplano.worker.model;

import io.altiplano.worker.kernel.ReductionOrder;

/**
 * What one rank owns of a model: whole query and KV heads, an equal share of the feed-forward width, and a run of vocabulary
 * rows.
 */
record Split(LlamaConfig config, int rank, int ranks) {
    /**
     * @throws IllegalArgumentException if the model cannot be split over so many ranks, saying why
     */
    static void check(LlamaConfig config, int ranks) {
        if (ranks == 1) {
            return;
        }
        divides("num_attention_heads", config.heads(), ranks);
        divides("num_key_value_heads", config.kvHeads(), ranks);
        divides("intermediate_size", config.ffn(), ranks);
        aligns("heads * head_dim", config.heads() * config.headDim(), ranks);
        aligns("intermediate_size", config.ffn(), ranks);
    }

    private static void divides(String what, int value, int ranks) {
        if (value % ranks != 0) {
            throw new IllegalArgumentException(
                    "Tensor parallelism %d does not divide %s %d: use a smaller one".formatted(ranks, what, value));
        }
    }

    private static void aligns(String what, int value, int ranks) {
        if (value % ReductionOrder.SLICES != 0) {
            throw new IllegalArgumentException(
                    "Tensor parallelism %d cannot split %s %d: it is not a multiple of the %d slices of the reduction order; use 1"
                            .formatted(ranks, what, value, ReductionOrder.SLICES));
        }
    }

    int heads() {
        return config.heads() / ranks;
    }

    int kvHeads() {
        return config.kvHeads() / ranks;
    }

    int ffn() {
        return config.ffn() / ranks;
    }

    /** Width of one row of the fused q, k and v projection. */
    int qkvWidth() {
        return (heads() + 2 * kvHeads()) * config.headDim();
    }

    /** Vocabulary rows of every rank but the last ones, which may have fewer or none. */
    int vocabularyShare() {
        return (config.vocabulary() + ranks - 1) / ranks;
    }

    int vocabularyFrom() {
        return Math.min(config.vocabulary(), rank * vocabularyShare());
    }

    int vocabularyCount() {
        return Math.min(config.vocabulary(), (rank + 1) * vocabularyShare()) - vocabularyFrom();
    }
}
