package io.altiplano.worker.engine;

/**
 * The engine's size.
 *
 * @param sequences most sequences that run at once
 * @param kvBlocks KV blocks of 16 tokens
 * @param stepTokens most tokens computed in one step
 */
public record EngineOptions(int sequences, int kvBlocks, int stepTokens) {
    public EngineOptions {
        if (sequences < 1 || kvBlocks < 1 || stepTokens < sequences) {
            throw new IllegalArgumentException(
                    "an engine of " + sequences + " sequences, " + kvBlocks + " KV blocks and " + stepTokens
                            + " tokens a step is impossible: at least one of each, and a token a sequence");
        }
    }
}
