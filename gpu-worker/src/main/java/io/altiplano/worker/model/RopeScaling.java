package io.altiplano.worker.model;

/**
 * Llama 3.1's stretching of rotary frequencies ({@code rope_type: llama3}): wavelengths above {@code originalContext /
 * lowFrequencyFactor} are slowed by {@code factor}, those below {@code originalContext / highFrequencyFactor} are kept, those
 * between are blended.
 */
public record RopeScaling(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext) {
    public RopeScaling {
        if (!(factor >= 1)
                || !(lowFrequencyFactor > 0)
                || !(highFrequencyFactor > lowFrequencyFactor)
                || originalContext <= 0) {
            throw new IllegalArgumentException(
                    "rope_scaling llama3 needs factor >= 1, 0 < low_freq_factor < high_freq_factor and"
                            + " original_max_position_embeddings > 0");
        }
    }
}
