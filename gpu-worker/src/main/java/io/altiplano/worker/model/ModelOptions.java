package io.altiplano.worker.model;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvType;

/**
 * How a model is to be loaded and run.
 *
 * @param weights how linear weights are held
 * @param tensorParallel ranks to split the model over: 1, 2, 4 or 8
 * @param threads computing threads over all ranks; 0 gives each rank one
 * @param kernels the arithmetic backend, chosen by {@code app}
 * @param kv how keys and values of past positions are held
 */
public record ModelOptions(WeightsMode weights, int tensorParallel, int threads, Kernels kernels, KvType kv) {
    public ModelOptions {
        if (tensorParallel != 1 && tensorParallel != 2 && tensorParallel != 4 && tensorParallel != 8) {
            throw new IllegalArgumentException(
                    "Tensor parallelism %d is not supported: the reduction order has 8 slices, so use 1, 2, 4 or 8"
                            .formatted(tensorParallel));
        }
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 0 (one a rank) or more, not " + threads);
        }
    }

    /** With keys and values held as they are computed. */
    public ModelOptions(WeightsMode weights, int tensorParallel, int threads, Kernels kernels) {
        this(weights, tensorParallel, threads, kernels, KvType.F32);
    }

    /** Computing threads of one rank, at least 1. */
    public int threadsPerRank() {
        return Math.max(1, threads / tensorParallel);
    }
}
