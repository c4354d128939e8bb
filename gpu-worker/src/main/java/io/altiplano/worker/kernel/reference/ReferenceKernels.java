package io.altiplano.worker.kernel.reference;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The plain backend: no vectors, no packing, no threads. */
public final class ReferenceKernels implements Kernels {
    @Override
    public String name() {
        return "reference";
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        int width = slicing.localColumns();
        float[] values = new float[Math.multiplyExact(source.rows(), width)];
        float[] scales = new float[source.rows()];
        Arrays.fill(scales, 1f);
        for (int n = 0; n < source.rows(); n++) {
            source.read(n, 0, width, values, n * width);
            if (rowScales != null) {
                scales[n] = rowScales[n];
            }
            for (int k = n * width; k < (n + 1) * width; k++) {
                values[k] = store(values[k], type, scales[n]);
            }
        }
        return new PlainMatrix(source.rows(), slicing, type, scales, values);
    }

    private static float store(float value, WeightType type, float scale) {
        if (!Float.isFinite(value)) {
            throw new IllegalArgumentException("a weight is " + value);
        }
        return switch (type) {
            case F32 -> value;
            case BF16 -> Bf16.decode(Bf16.encode(value));
            case F8 -> E4m3.round(value / scale);
        };
    }

    @Override
    public RankKernels forRank(int threads) {
        return new ReferenceRankKernels();
    }
}
