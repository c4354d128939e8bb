package io.altiplano.worker.model;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.Elementwise;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A backend with one mistake planted: proof that the comparison with transformers would see it. */
record FaultyKernels(Kernels sound, Fault fault) implements Kernels {
    enum Fault {
        /** Queries are rotated as if they stood one position further. */
        ROPE_SHIFTED_BY_ONE,
        /** Query heads read the keys and values of the next group. */
        WRONG_KV_HEAD,
        /** The last chunk of 256 positions is not read. */
        LAST_CHUNK_DROPPED,
        /** Two neighbouring rows of a weight matrix have each other's scale. */
        SCALE_ROWS_SWAPPED,
        /** Scores are not divided by the root of the head width. */
        SCORES_UNSCALED
    }

    @Override
    public String name() {
        return "faulty";
    }

    @Override
    public PackedMatrix pack(
            FloatRows source, WeightType type, Slicing slicing, float @Nullable [] rowScales, Arena arena) {
        PackedMatrix packed = sound.pack(source, type, slicing, rowScales, arena);
        if (fault == Fault.SCALE_ROWS_SWAPPED && type == WeightType.F8) {
            float[] scales = packed.rowScales();
            for (int n = 0; n + 1 < scales.length; n += 2) {
                float scale = scales[n];
                scales[n] = scales[n + 1];
                scales[n + 1] = scale;
            }
        }
        return packed;
    }

    @Override
    public RankKernels forRank(int threads) {
        return new Rank(sound.forRank(threads), fault);
    }

    private record Rank(RankKernels sound, Fault fault) implements RankKernels {
        @Override
        public void attention(
                AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
            switch (fault) {
                case ROPE_SHIFTED_BY_ONE -> {
                    float[] rotated = qkv.clone();
                    int half = kv.headDim() / 2;
                    float[] cos = new float[batch.rows() * half];
                    float[] sin = new float[batch.rows() * half];
                    for (int i = 0; i < cos.length; i++) {
                        double angle = Math.pow(10000, -(i % half) / (double) half);
                        cos[i] = (float) Math.cos(angle);
                        sin[i] = (float) Math.sin(angle);
                    }
                    Elementwise.rope(rotated, batch.rows(), stride, 0, heads, kv.headDim(), cos, sin);
                    sound.attention(batch, rotated, stride, heads, kv, scale, out);
                }
                case WRONG_KV_HEAD -> {
                    int width = heads * kv.headDim();
                    int group = width / kv.heads();
                    float[] rolled = qkv.clone();
                    for (int m = 0; m < batch.rows(); m++) {
                        System.arraycopy(qkv, m * stride + group, rolled, m * stride, width - group);
                        System.arraycopy(qkv, m * stride, rolled, m * stride + width - group, group);
                    }
                    float[] rolledOut = new float[batch.rows() * width];
                    sound.attention(batch, rolled, stride, heads, kv, scale, rolledOut);
                    for (int m = 0; m < batch.rows(); m++) {
                        System.arraycopy(rolledOut, m * width, out, m * width + group, width - group);
                        System.arraycopy(rolledOut, m * width + width - group, out, m * width, group);
                    }
                }
                case LAST_CHUNK_DROPPED -> {
                    int[] positions = Arrays.stream(batch.positions())
                            .map(p -> p < 256 ? p : p / 256 * 256 - 1)
                            .toArray();
                    AttentionRows shortened =
                            new AttentionRows(batch.rows(), positions, batch.sequence(), batch.blockTables());
                    sound.attention(shortened, qkv, stride, heads, kv, scale, out);
                }
                case SCORES_UNSCALED -> sound.attention(batch, qkv, stride, heads, kv, 1f, out);
                case SCALE_ROWS_SWAPPED -> sound.attention(batch, qkv, stride, heads, kv, scale, out);
            }
        }

        @Override
        public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
            sound.matmul(w, x, rows, out);
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
        public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
            sound.swiGlu(gateUp, rows, width, out);
        }

        @Override
        public void close() {
            sound.close();
        }
    }
}
