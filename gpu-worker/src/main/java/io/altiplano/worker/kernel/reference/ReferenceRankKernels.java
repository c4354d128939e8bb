package io.altiplano.worker.kernel.reference;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.tensor.E4m3;
import java.util.Arrays;

/** {@link ReductionOrder} written down as loops. */
final class ReferenceRankKernels implements RankKernels {
    private final float[] lanes = new float[ReductionOrder.LANES];
    private final float[] weights = new float[ReductionOrder.CHUNK];

    @Override
    public void matmul(PackedMatrix matrix, float[] x, int rows, float[] out) {
        PlainMatrix w = (PlainMatrix) matrix;
        int width = w.slicing().localColumns();
        for (int m = 0; m < rows; m++) {
            for (int n = 0; n < w.rows(); n++) {
                out[m * w.rows() + n] = dot(w, n, x, m * width);
            }
        }
    }

    private static float dot(PlainMatrix w, int n, float[] x, int xFrom) {
        int width = w.slicing().localColumns();
        int length = w.slicing().length();
        float[] chains = new float[w.slicing().count()];
        for (int s = 0; s < chains.length; s++) {
            float a = 0f;
            for (int k = s * length; k < (s + 1) * length; k++) {
                boolean exists = k < width;
                a = Math.fma(exists ? w.values()[n * width + k] : 0f, exists ? x[xFrom + k] : 0f, a);
            }
            chains[s] = a;
        }
        for (int distance = 1; distance < chains.length; distance *= 2) {
            for (int s = 0; s < chains.length; s += 2 * distance) {
                chains[s] += chains[s + distance];
            }
        }
        return chains[0];
    }

    @Override
    public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
        for (int m = 0; m < rows; m++) {
            float max = 0f;
            for (int k = 0; k < width; k++) {
                max = Math.max(max, Math.abs(x[m * width + k]));
            }
            absMax[m] = max;
        }
    }

    @Override
    public void quantize(float[] x, int rows, int width, float[] scales) {
        for (int m = 0; m < rows; m++) {
            float scale = scales[m];
            for (int k = m * width; k < (m + 1) * width; k++) {
                x[k] = E4m3.round(x[k] / scale);
            }
        }
    }

    @Override
    public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
        for (int m = 0; m < rows; m++) {
            int from = m * width;
            Arrays.fill(lanes, 0f);
            for (int k = 0; k < width; k++) {
                int lane = k % ReductionOrder.LANES;
                lanes[lane] = Math.fma(x[from + k], x[from + k], lanes[lane]);
            }
            float mean = ReductionOrder.tree(lanes) / width;
            float inverse = 1f / (float) Math.sqrt(mean + epsilon);
            for (int k = 0; k < width; k++) {
                out[from + k] = x[from + k] * inverse * weight[k];
            }
        }
    }

    @Override
    public void attention(
            AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        for (int m = 0; m < batch.rows(); m++) {
            for (int h = 0; h < heads; h++) {
                int kvHead = h / (heads / kv.heads());
                attendOne(
                        batch,
                        m,
                        qkv,
                        m * stride + h * kv.headDim(),
                        kv,
                        kvHead,
                        scale,
                        out,
                        (m * heads + h) * kv.headDim());
            }
        }
    }

    private void attendOne(
            AttentionRows batch,
            int m,
            float[] q,
            int qFrom,
            KvSlab kv,
            int kvHead,
            float scale,
            float[] out,
            int outFrom) {
        int headDim = kv.headDim();
        int position = batch.positions()[m];
        int[] table = batch.blockTables()[batch.sequence()[m]];
        float max = 0f;
        float sum = 0f;
        for (int chunk = 0; chunk <= position; chunk += ReductionOrder.CHUNK) {
            int seen = Math.min(ReductionOrder.CHUNK, position + 1 - chunk);
            float chunkMax = scores(table, chunk, seen, q, qFrom, kv, kvHead, scale);
            float chunkSum = exponentials(seen, chunkMax);
            float newMax = chunk == 0 ? chunkMax : Math.max(max, chunkMax);
            float before = chunk == 0 ? 0f : ReductionOrder.exp(max - newMax);
            float now = chunk == 0 ? 1f : ReductionOrder.exp(chunkMax - newMax);
            for (int d = 0; d < headDim; d++) {
                float a = 0f;
                for (int j = 0; j < seen; j++) {
                    int at = chunk + j;
                    float value = kv.value(table[at / KvSlab.BLOCK], kvHead, at % KvSlab.BLOCK, d);
                    a = Math.fma(weights[j], value, a);
                }
                out[outFrom + d] = chunk == 0 ? a : Math.fma(out[outFrom + d], before, a * now);
            }
            sum = chunk == 0 ? chunkSum : Math.fma(sum, before, chunkSum * now);
            max = newMax;
        }
        for (int d = 0; d < headDim; d++) {
            out[outFrom + d] /= sum;
        }
    }

    private float scores(int[] table, int chunk, int seen, float[] q, int qFrom, KvSlab kv, int kvHead, float scale) {
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < seen; j++) {
            int at = chunk + j;
            float a = 0f;
            for (int d = 0; d < kv.headDim(); d++) {
                a = Math.fma(q[qFrom + d], kv.key(table[at / KvSlab.BLOCK], kvHead, at % KvSlab.BLOCK, d), a);
            }
            weights[j] = a * scale;
            max = Math.max(max, weights[j]);
        }
        return max;
    }

    private float exponentials(int seen, float max) {
        Arrays.fill(lanes, 0f);
        for (int j = 0; j < seen; j++) {
            weights[j] = ReductionOrder.exp(weights[j] - max);
            lanes[j % ReductionOrder.LANES] += weights[j];
        }
        return ReductionOrder.tree(lanes);
    }

    @Override
    public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
        for (int m = 0; m < rows; m++) {
            for (int i = 0; i < width; i++) {
                float gate = gateUp[m * 2 * width + i];
                float silu = gate / (1f + ReductionOrder.exp(-gate));
                out[m * width + i] = silu * gateUp[m * 2 * width + width + i];
            }
        }
    }

    @Override
    public void close() {}
}
