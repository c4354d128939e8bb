package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
    public String layout() {
        return PanelMatrix.LAYOUT;
    }

    @Override
    public PackedMatrix adopt(
            MemorySegment memory, int rows, WeightType type, Slicing slicing, float @Nullable [] rowScales) {
        return PanelMatrix.adopt(memory, rows, type, slicing, rowScales);
    }

    @Override
    public RankKernels forRank(int threads) {
        return new CpuRankKernels(new Team(threads));
    }
}
