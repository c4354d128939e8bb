package io.altiplano.worker.engine;

/**
 * The engine's size.
 *
 * @param sequences most sequences that run at once
 * @param kvBlocks KV blocks of 16 tokens
 * @param stepTokens most tokens computed in one step
 * @param adapterBytes most bytes that LoRA adapters hold
 */
public record EngineOptions(int sequences, int kvBlocks, int stepTokens, long adapterBytes) {
    /** What adapters may hold if nobody says otherwise: 1 GiB. */
    public static final long ADAPTER_BYTES = 1L << 30;

    /** With {@value #ADAPTER_BYTES} bytes for adapters. */
    public EngineOptions(int sequences, int kvBlocks, int stepTokens) {
        this(sequences, kvBlocks, stepTokens, ADAPTER_BYTES);
    }

    public EngineOptions {
        if (sequences < 1 || kvBlocks < 1 || stepTokens < sequences || adapterBytes < 0) {
            throw new IllegalArgumentException(
                    "an engine of " + sequences + " sequences, " + kvBlocks + " KV blocks and " + stepTokens
                            + " tokens a step is impossible: at least one of each, and a token a sequence");
        }
    }
}
