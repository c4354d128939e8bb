package io.altiplano.worker.kernel;

/** What a packed weight is stored as. */
public enum WeightType {
    F32(4),
    BF16(2),
    /** E4M3 with a scale a row; activations are quantized the same way before the product. */
    F8(1);

    private final int bytes;

    WeightType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one weight. */
    public int bytes() {
        return bytes;
    }
}
