package io.altiplano.worker.kernel;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.nativecpu.NativeKernels;
import io.altiplano.worker.kernel.nativecpu.NativeUnavailableException;
import java.util.ArrayList;
import java.util.List;

/** The backends that this machine has beside the plain loops. {@code NativeKernelsTest} says when the native ones are missing. */
public final class Backends {
    private Backends() {}

    /** A backend on some threads. */
    record OnThreads(Kernels kernels, int threads, RankKernels rank) {
        void close() {
            rank.close();
        }

        @Override
        public String toString() {
            return kernels.name() + " on " + threads;
        }
    }

    /** Each one on each number of threads. */
    static List<OnThreads> fast(int... threads) {
        List<OnThreads> all = new ArrayList<>();
        for (Kernels kernels : fast()) {
            for (int count : threads) {
                all.add(new OnThreads(kernels, count, kernels.forRank(count)));
            }
        }
        return all;
    }

    /** Java vectors; and natively, with all instructions and with AVX-512F alone. */
    public static List<Kernels> fast() {
        try {
            return List.of(new CpuKernels(), NativeKernels.open(), NativeKernels.withoutBf16());
        } catch (NativeUnavailableException e) {
            return List.of(new CpuKernels());
        }
    }
}
