package io.altiplano.worker.batch;

/**
 * What a step may hold.
 *
 * @param sequences most sequences that run at once
 * @param tokens most tokens computed in one step
 */
public record BatchLimits(int sequences, int tokens) {
    public BatchLimits {
        if (sequences < 1 || tokens < sequences) {
            throw new IllegalArgumentException("a step of " + tokens + " tokens for " + sequences
                    + " sequences: at least one sequence, and a token for each");
        }
    }
}
