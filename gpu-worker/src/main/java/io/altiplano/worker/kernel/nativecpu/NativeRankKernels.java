package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.cpu.Team;
import io.altiplano.worker.kernel.reference.ReferenceKernels;

/** Everything natively; nothing of the Vector API, so that a process without it can run this. */
final class NativeRankKernels implements RankKernels {
    private final Team team;
    private final NativeMatmul matmul;
    private final NativeAttention attention;
    private final NativeRows rows;

    NativeRankKernels(NativeLibrary library, int threads) {
        team = new Team(threads);
        matmul = new NativeMatmul(library, team);
        attention = new NativeAttention(library, team);
        rows = new NativeRows(library);
    }

    @Override
    public void matmul(PackedMatrix w, float[] x, int rows, float[] out) {
        matmul.run(w, x, rows, out);
    }

    @Override
    public void rowAbsMax(float[] x, int rows, int width, float[] absMax) {
        this.rows.absMax(x, rows, width, absMax);
    }

    @Override
    public void quantize(float[] x, int rows, int width, float[] scales) {
        this.rows.quantize(x, rows, width, scales);
    }

    @Override
    public void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
        this.rows.rmsNorm(x, rows, width, weight, epsilon, out);
    }

    @Override
    public void attention(
            AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        if (attention.serves(heads, kv)) {
            attention.run(batch, qkv, stride, heads, kv, scale, out);
        } else {
            // More query heads share a KV head than any Llama has: right is enough.
            try (RankKernels plain = new ReferenceKernels().forRank(1)) {
                plain.attention(batch, qkv, stride, heads, kv, scale, out);
            }
        }
    }

    @Override
    public void swiGlu(float[] gateUp, int rows, int width, float[] out) {
        this.rows.swiGlu(gateUp, rows, width, out);
    }

    @Override
    public void close() {
        team.close();
    }
}
