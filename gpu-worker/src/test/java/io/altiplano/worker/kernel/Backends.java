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

    /** Java vectors; and natively, with each choice of instructions. */
    public static List<Kernels> fast() {
        try {
            List<Kernels> all = new ArrayList<>(NativeKernels.variants());
            all.addFirst(new CpuKernels());
            return all;
        } catch (NativeUnavailableException e) {
            return List.of(new CpuKernels());
        }
    }
}
