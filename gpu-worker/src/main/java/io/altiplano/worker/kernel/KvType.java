package io.altiplano.worker.kernel;

import java.util.Arrays;
import java.util.Locale;

/** How keys and values of past positions are held. Arithmetic on them is F32 in any case. */
public enum KvType {
    /** As they were computed. */
    F32("f32"),
    /** The nearest BF16: a relative error of at most 2^-8, which is what a model that computes in BF16 holds. */
    BF16("bf16"),
    /**
     * The nearest E4M3 under a scale for each token and head, so that what a block's other tokens are changes nothing: an error of at
     * most 2^-4 of a value, or 2^-10 of the scale where that is more.
     */
    FP8("fp8");

    private final String label;

    KvType(String label) {
        this.label = label;
    }

    /** The name in options and configuration, such as {@code bf16}. */
    public String label() {
        return label;
    }

    /**
     * @param label such as {@code bf16}
     * @throws IllegalArgumentException naming the legal labels
     */
    public static KvType of(String label) {
        for (KvType type : values()) {
            if (type.label.equals(label.toLowerCase(Locale.ROOT))) {
                return type;
            }
        }
        throw new IllegalArgumentException("Unknown KV type '%s': use one of %s"
                .formatted(label, Arrays.stream(values()).map(KvType::label).toList()));
    }

    @Override
    public String toString() {
        return label;
    }
}
