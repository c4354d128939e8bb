package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.cpu.Team;

/** Products and attention natively, the rest in Java vectors, on one team. */
final class NativeRankKernels implements RankKernels {
    private final NativeMatmul matmul;
    private final NativeAttention attention;
    private final RankKernels java;

    NativeRankKernels(NativeLibrary library, int threads) {
        Team team = new Team(threads);
        matmul = new NativeMatmul(library, team);
        attention = new NativeAttention(library, team);
        java = CpuKernels.onTeam(team);
    }

    @Override
    public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
        matmul.run(w, x, rows, out);
    }

    @Override
    public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
        java.rowAbsMax(x, rows, width, absMax);
    }

    @Override
    public void quantize(float[] x, int rows, int width, float[] scales) {
        java.quantize(x, rows, width, scales);
    }

    @Override
    public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
        java.rmsNorm(x, rows, width, weight, epsilon, out);
    }

    @Override
    public void attention(
            AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        if (attention.serves(heads, kv)) {
            attention.run(batch, qkv, stride, heads, kv, scale, out);
        } else {
            java.attention(batch, qkv, stride, heads, kv, scale, out);
        }
    }

    @Override
    public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
        java.swiGlu(gateUp, rows, width, out);
    }

    @Override
    public void close() {
        java.close();
    }
}
