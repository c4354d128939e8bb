package io.altiplano.worker.kernel;

import java.lang.foreign.MemorySegment;

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

    /**
     * The weights in the backend's layout, without the scales.
     *
     * @throws UnsupportedOperationException if the backend keeps no layout
     */
    default MemorySegment memory() {
        throw new UnsupportedOperationException("this backend keeps no layout");
    }

    /** Writes a row's stored values (without its scale) to {@code out[offset..]}. */
    void row(int row, float[] out, int offset);
}
