package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.tensor.E4m3;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** One rank's operations in vectors; each keeps {@link ReductionOrder}. */
final class CpuRankKernels implements RankKernels {
    private final Team team;
    private final Matmul matmul;
    private final Attention attention;
    private final float[] lanes = new float[ReductionOrder.LANES];

    CpuRankKernels(Team team) {
        this.team = team;
        matmul = new Matmul(team);
        attention = new Attention(team);
    }

    @Override
    public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
        matmul.run((PanelMatrix) w, x, rows, out);
    }

    @Override
    public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
        for (int m = 0; m < rows; m++) {
            int from = m * width;
            FloatVector max = FloatVector.zero(F);
            int k = 0;
            for (; k <= width - L; k += L) {
                max = max.max(FloatVector.fromArray(F, x, from + k).abs());
            }
            float result = 0f;
            max.intoArray(lanes, 0);
            for (int i = 0; i < L; i++) {
                result = Math.max(result, lanes[i]);
            }
            for (; k < width; k++) {
                result = Math.max(result, Math.abs(x[from + k]));
            }
            absMax[m] = result;
        }
    }

    @Override
    public void quantize(float[] x, int rows, int width, float[] scales) {
        for (int m = 0; m < rows; m++) {
            float scale = scales[m];
            int k = m * width;
            int end = k + width;
            for (; k <= end - L; k += L) {
                round(FloatVector.fromArray(F, x, k).div(scale)).intoArray(x, k);
            }
            for (; k < end; k++) {
                x[k] = E4m3.round(x[k] / scale);
            }
        }
    }

    /** {@link E4m3#round} in every lane. */
    private static FloatVector round(FloatVector value) {
        FloatVector magnitude = value.abs().min(E4m3.MAX);
        FloatVector subnormal = magnitude.add(E4m3.SUBNORMAL_ROUNDER).sub(E4m3.SUBNORMAL_ROUNDER);
        IntVector bits = magnitude.reinterpretAsInts();
        IntVector odd = bits.lanewise(VectorOperators.LSHR, 20).and(1);
        FloatVector normal = bits.add(0x7ffff).add(odd).and(0xfff00000).reinterpretAsFloats();
        FloatVector rounded = normal.blend(subnormal, magnitude.lt(E4m3.SMALLEST_NORMAL));
        IntVector sign = value.reinterpretAsInts().and(0x80000000);
        FloatVector signed = rounded.reinterpretAsInts().or(sign).reinterpretAsFloats();
        return signed.blend(0f, value.test(VectorOperators.IS_NAN));
    }

    @Override
    public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
        for (int m = 0; m < rows; m++) {
            int from = m * width;
            float mean = squares(x, from, width) / width;
            float inverse = 1f / (float) Math.sqrt(mean + epsilon);
            for (int k = 0; k < width; k++) {
                out[from + k] = x[from + k] * inverse * weight[k];
            }
        }
    }

    private float squares(float[] x, int from, int width) {
        int whole = width / ReductionOrder.LANES * ReductionOrder.LANES;
        for (int lane = 0; lane < ReductionOrder.LANES; lane += L) {
            FloatVector sum = FloatVector.zero(F);
            for (int k = lane; k < whole; k += ReductionOrder.LANES) {
                FloatVector v = FloatVector.fromArray(F, x, from + k);
                sum = v.fma(v, sum);
            }
            sum.intoArray(lanes, lane);
        }
        for (int k = whole; k < width; k++) {
            lanes[k - whole] = Math.fma(x[from + k], x[from + k], lanes[k - whole]);
        }
        return ReductionOrder.tree(lanes);
    }

    @Override
    public void attention(
            AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        attention.run(batch, qkv, stride, heads, kv, scale, out);
    }

    @Override
    public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
        for (int m = 0; m < rows; m++) {
            int gates = m * 2 * width;
            int to = m * width;
            int i = 0;
            for (; i <= width - L; i += L) {
                FloatVector gate = FloatVector.fromArray(F, gateUp, gates + i);
                FloatVector silu = gate.div(Lanes.exp(gate.neg()).add(1f));
                silu.mul(FloatVector.fromArray(F, gateUp, gates + width + i)).intoArray(out, to + i);
            }
            for (; i < width; i++) {
                float gate = gateUp[gates + i];
                float silu = gate / (1f + ReductionOrder.exp(-gate));
                out[to + i] = silu * gateUp[gates + width + i];
            }
        }
    }

    @Override
    public void close() {
        team.close();
    }
}
