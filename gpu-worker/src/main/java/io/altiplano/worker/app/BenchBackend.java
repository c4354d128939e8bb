package io.altiplano.worker.app;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.cpu.LimitProbe;
import io.altiplano.worker.kernel.cpu.MachineLimits;
import io.altiplano.worker.kernel.nativecpu.NativeKernels;
import java.util.Map;

/**
 * A backend with what it is held against.
 *
 * @param f8 limits of FP8 products
 * @param f32 limits of the rest
 * @param prototype shares of the limits that the prototypes of these kernels reached, by rows; attention over BF16 is 0
 */
record BenchBackend(Kernels kernels, LimitProbe f8, LimitProbe f32, Map<Integer, Double> prototype) {
    /** In the prototypes' table, the key of attention. */
    static final int ATTENTION = 0;
    /** Nothing's key. */
    static final int NO_PROTOTYPE = -1;

    static BenchBackend of(Kernels kernels) {
        if (kernels instanceof NativeKernels here) {
            return new BenchBackend(
                    kernels,
                    here.f8Probe(),
                    here.f32Probe(),
                    Map.of(1, 1.05, 2, 0.97, 4, 0.87, 8, 0.93, 16, 0.95, 512, 0.76, ATTENTION, 0.78));
        }
        if (kernels instanceof CpuKernels) {
            return new BenchBackend(
                    kernels,
                    MachineLimits.VECTOR,
                    MachineLimits.VECTOR,
                    Map.of(1, 0.93, 2, 0.7, 4, 0.7, 8, 0.7, 512, 0.91));
        }
        throw new IllegalArgumentException("the kernels " + kernels.name() + " are not meant to be fast");
    }
}
