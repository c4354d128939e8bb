package io.altiplano.worker.model;

import java.util.Arrays;
import java.util.Locale;

/** How the weights of linear layers are held. */
public enum WeightsMode {
    /** As the checkpoint stores them, without loss: BF16, or F32 where a value does not fit BF16. Activations stay F32. */
    BF16("bf16"),
    /**
     * Meta's recipe for serving Llama 3.1 405B ("The Llama 3 Herd of Models", section 6.2): the feed-forward projections
     * in row-wise E4M3, but not in the first and the last layer; attention, embeddings and output as stored.
     */
    FP8_FFN("fp8-ffn"),
    /** Every linear layer, the embeddings and the output in row-wise E4M3. */
    FP8_ALL("fp8-all");

    private final String label;

    WeightsMode(String label) {
        this.label = label;
    }

    /** The name in options and configuration, such as {@code fp8-all}. */
    public String label() {
        return label;
    }

    /**
     * @param label such as {@code fp8-all}
     * @throws IllegalArgumentException naming the legal labels
     */
    public static WeightsMode of(String label) {
        for (WeightsMode mode : values()) {
            if (mode.label.equals(label.toLowerCase(Locale.ROOT))) {
                return mode;
            }
        }
        throw new IllegalArgumentException("Unknown weights mode '%s': use one of %s"
                .formatted(
                        label, Arrays.stream(values()).map(WeightsMode::label).toList()));
    }

    @Override
    public String toString() {
        return label;
    }
}
