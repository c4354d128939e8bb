package io.altiplano.worker.app;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;

/** The words by which people choose ranks and kernels; the one place that knows every kernel backend. */
final class EngineChoices {
    private EngineChoices() {}

    /**
     * 1, 2, 4 or 8.
     *
     * @throws IllegalArgumentException naming the choices
     */
    static int tensorParallel(String word) {
        return switch (word.strip()) {
            case "1" -> 1;
            case "2" -> 2;
            case "4" -> 4;
            case "8" -> 8;
            default ->
                throw new IllegalArgumentException("tensor parallelism must be 1, 2, 4 or 8, not '" + word + "'");
        };
    }

    /**
     * vector or reference.
     *
     * @throws IllegalArgumentException naming the choices
     */
    static Kernels kernels(String word) {
        return switch (word) {
            case "vector" -> new CpuKernels();
            case "reference" -> new ReferenceKernels();
            default -> throw new IllegalArgumentException("kernels must be vector or reference, not '" + word + "'");
        };
    }
}
