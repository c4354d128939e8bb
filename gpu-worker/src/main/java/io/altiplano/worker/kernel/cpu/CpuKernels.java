package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** The Vector API backend. Needs {@code --add-modules jdk.incubator.vector}. */
public final class CpuKernels implements Kernels {
    @Override
    public String name() {
        return "vector";
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        return PanelMatrix.pack(source, type, slicing, rowScales, arena);
    }

    @Override
    public RankKernels forRank(int threads) {
        return new CpuRankKernels(new Team(threads));
    }
}
