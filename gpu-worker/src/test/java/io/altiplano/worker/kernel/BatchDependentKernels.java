package io.altiplano.worker.kernel;

import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** A backend that adds a row's products in one chain instead of eight as soon as the batch has a second row. */
public record BatchDependentKernels(Kernels sound) implements Kernels {
    @Override
    public String name() {
        return "batch-dependent";
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        return sound.pack(source, type, slicing, rowScales, arena);
    }

    @Override
    public RankKernels forRank(int threads) {
        return new Rank(sound.forRank(threads));
    }

    private record Rank(RankKernels sound) implements RankKernels {
        @Override
        public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
            if (rows == 1) {
                sound.matmul(w, x, rows, out);
                return;
            }
            int width = w.slicing().localColumns();
            float[] weights = new float[width];
            for (int n = 0; n < w.rows(); n++) {
                w.row(n, weights, 0);
                for (int m = 0; m < rows; m++) {
                    float sum = 0f;
                    for (int k = 0; k < width; k++) {
                        sum = Math.fma(weights[k], x[m * width + k], sum);
                    }
                    out[m * w.rows() + n] = sum;
                }
            }
        }

        @Override
        public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
            sound.rowAbsMax(x, rows, width, absMax);
        }

        @Override
        public void quantize(float[] x, int rows, int width, float[] scales) {
            sound.quantize(x, rows, width, scales);
        }

        @Override
        public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
            sound.rmsNorm(x, rows, width, weight, epsilon, out);
        }

        @Override
        public void attention(
                AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
            sound.attention(batch, qkv, stride, heads, kv, scale, out);
        }

        @Override
        public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
            sound.swiGlu(gateUp, rows, width, out);
        }

        @Override
        public void close() {
            sound.close();
        }
    }
}
