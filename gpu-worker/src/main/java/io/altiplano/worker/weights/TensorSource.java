package io.altiplano.worker.weights;

import io.altiplano.worker.tensor.FloatRows;
import org.jspecify.annotations.Nullable;

/** Where a model's tensors come from: a checkpoint, or random numbers for measurements. Safe for use by several threads. */
public interface TensorSource extends AutoCloseable {
    /**
     * The matrix of this name.
     *
     * @throws InvalidCheckpointException if it is missing or not of shape [rows, columns]
     */
    FloatRows matrix(String name, int rows, int columns);

    /**
     * The vector of this name, as F32.
     *
     * @throws InvalidCheckpointException if it is missing or not of this size, or a value is not finite
     */
    float[] vector(String name, int size);

    /** Whether BF16 holds every value of this matrix without loss. */
    boolean fitsBf16(String name);

    /**
     * What makes this matrix FP8, if the checkpoint stores it so; its values are then E4M3 values times the row's scale.
     *
     * @throws InvalidCheckpointException if its scales are missing or unfit
     */
    @Nullable
    Fp8Rows fp8(String name);

    /** Whether the checkpoint says which matrices are FP8. */
    boolean quantized();

    /**
     * What the source divides the rotary frequencies of so many pairs by, if it says so itself.
     *
     * @throws InvalidCheckpointException if it says so for another number of pairs
     */
    default float @Nullable [] ropeFactors(int pairs) {
        return null;
    }

    /** What to call the source in messages. */
    String where();

    /** SHA-256 over names, types, shapes and values in name order: the same however the tensors are spread over files. */
    String sha256();

    @Override
    void close();
}
