package io.altiplano.worker.kernel;

/** One rank's share of a weight matrix [rows, columns], in its backend's own layout. Immutable. */
public interface PackedMatrix {
    /** Output rows. */
    int rows();

    /** The slices of the inner dimension that it holds. */
    Slicing slicing();

    /** What a weight is stored as. */
    WeightType type();

    /** The scale of each row, all 1 unless the type is {@link WeightType#F8}. */
    float[] rowScales();

    /** Bytes held, padding and scales included. */
    long bytes();

    /** Writes a row's stored values (without its scale) to {@code out[offset..]}. */
    void row(int row, float[] out, int offset);
}
