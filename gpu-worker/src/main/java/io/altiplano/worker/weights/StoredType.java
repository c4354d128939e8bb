package io.altiplano.worker.weights;

import org.jspecify.annotations.Nullable;

/** Element types that are read from safetensors. */
enum StoredType {
    F32(4),
    F16(2),
    BF16(2),
    F8_E4M3(1);

    private final int bytes;

    StoredType(int bytes) {
        this.bytes = bytes;
    }

    int bytes() {
        return bytes;
    }

    static @Nullable StoredType of(String name) {
        return switch (name) {
            case "F32" -> F32;
            case "F16" -> F16;
            case "BF16" -> BF16;
            case "F8_E4M3" -> F8_E4M3;
            default -> null;
        };
    }
}
