package io.altiplano.worker.tensor;

/** A matrix that can be read row by row as F32, whatever it is stored as. Safe for use by several threads. */
public interface FloatRows {
    /** Rows of the matrix. */
    int rows();

    /** Columns of the matrix. */
    int columns();

    /** Writes columns {@code from..from+count-1} of row {@code row} to {@code out[offset..]}. */
    void read(int row, int from, int count, float[] out, int offset);
}
