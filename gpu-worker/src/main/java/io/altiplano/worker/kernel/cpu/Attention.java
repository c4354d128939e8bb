package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.ReductionOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Attention over paged keys and values, one row and head at a time. Scores run along the 16 positions of a block, outputs along
 * the head. A block's slots beyond the row's position are read with it but count as minus infinity, and the sum over values ends
 * at the row's position, so what they hold cannot matter.
 */
final class Attention {
    private static final int BLOCK = KvSlab.BLOCK;

    private final Team team;
    private final Scratch[] scratch;

    private static final class Scratch {
        final float[] weights = new float[ReductionOrder.CHUNK];
        final float[] lanes = new float[ReductionOrder.LANES];
        float[] chunk = new float[0];
        float[] sum = new float[0];

        void ensure(int width) {
            if (chunk.length < width) {
                chunk = new float[width];
                sum = new float[width];
            }
        }
    }

    Attention(Team team) {
        this.team = team;
        scratch = new Scratch[team.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void run(AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        int group = heads / kv.heads();
        team.run(batch.rows() * kv.heads(), (piece, worker) -> {
            int m = piece / kv.heads();
            int kvHead = piece % kv.heads();
            for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
                int q = m * stride + h * kv.headDim();
                int to = (m * heads + h) * kv.headDim();
                head(batch, m, qkv, q, kv, kvHead, scale, out, to, scratch[worker]);
            }
        });
    }

    private static void head(
            AttentionRows batch,
            int m,
            float[] q,
            int qFrom,
            KvSlab kv,
            int kvHead,
            float scale,
            float[] out,
            int to,
            Scratch mine) {
        int width = kv.valueWidth();
        mine.ensure(width);
        int position = batch.positions()[m];
        int[] table = batch.blockTables()[batch.sequence()[m]];
        float max = 0f;
        float total = 0f;
        for (int chunk = 0; chunk <= position; chunk += ReductionOrder.CHUNK) {
            int seen = Math.min(ReductionOrder.CHUNK, position + 1 - chunk);
            int first = chunk / BLOCK;
            scores(table, first, seen, q, qFrom, kv, kvHead, scale, mine.weights);
            float chunkMax = max(mine.weights, seen);
            float chunkTotal = exponentials(mine, seen, chunkMax);
            float[] sum = chunk == 0 ? mine.sum : mine.chunk;
            values(table, first, seen, kv, kvHead, mine.weights, sum);
            if (chunk == 0) {
                max = chunkMax;
                total = chunkTotal;
            } else {
                float newMax = Math.max(max, chunkMax);
                float before = ReductionOrder.exp(max - newMax);
                float now = ReductionOrder.exp(chunkMax - newMax);
                total = Math.fma(total, before, chunkTotal * now);
                max = newMax;
                for (int d = 0; d < width; d += L) {
                    FloatVector.fromArray(F, mine.sum, d)
                            .fma(
                                    FloatVector.broadcast(F, before),
                                    FloatVector.fromArray(F, mine.chunk, d).mul(now))
                            .intoArray(mine.sum, d);
                }
            }
        }
        for (int d = 0; d < kv.headDim(); d++) {
            out[to + d] = mine.sum[d] / total;
        }
    }

    /** Scores of a chunk's blocks; those beyond {@code seen} become minus infinity. */
    private static void scores(
            int[] table,
            int first,
            int seen,
            float[] q,
            int qFrom,
            KvSlab kv,
            int kvHead,
            float scale,
            float[] weights) {
        int blocks = (seen + BLOCK - 1) / BLOCK;
        int b = 0;
        for (; b + 4 <= blocks; b += 4) {
            for (int lane = 0; lane < BLOCK; lane += L) {
                fourBlocks(
                        kv.keys(),
                        kv.keyOffset(table[first + b], kvHead) + lane,
                        kv.keyOffset(table[first + b + 1], kvHead) + lane,
                        kv.keyOffset(table[first + b + 2], kvHead) + lane,
                        kv.keyOffset(table[first + b + 3], kvHead) + lane,
                        q,
                        qFrom,
                        kv.headDim(),
                        scale,
                        weights,
                        b * BLOCK + lane);
            }
        }
        for (; b < blocks; b++) {
            int keys = kv.keyOffset(table[first + b], kvHead);
            for (int lane = 0; lane < BLOCK; lane += L) {
                FloatVector a = FloatVector.zero(F);
                for (int d = 0; d < kv.headDim(); d++) {
                    FloatVector k = FloatVector.fromArray(F, kv.keys(), keys + lane + d * BLOCK);
                    a = k.fma(FloatVector.broadcast(F, q[qFrom + d]), a);
                }
                a.mul(scale).intoArray(weights, b * BLOCK + lane);
            }
        }
        Arrays.fill(weights, seen, blocks * BLOCK, Float.NEGATIVE_INFINITY);
    }

    private static void fourBlocks(
            float[] keys,
            int k0,
            int k1,
            int k2,
            int k3,
            float[] q,
            int qFrom,
            int headDim,
            float scale,
            float[] weights,
            int to) {
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        for (int d = 0, at = 0; d < headDim; d++, at += BLOCK) {
            FloatVector x = FloatVector.broadcast(F, q[qFrom + d]);
            a0 = FloatVector.fromArray(F, keys, k0 + at).fma(x, a0);
            a1 = FloatVector.fromArray(F, keys, k1 + at).fma(x, a1);
            a2 = FloatVector.fromArray(F, keys, k2 + at).fma(x, a2);
            a3 = FloatVector.fromArray(F, keys, k3 + at).fma(x, a3);
        }
        a0.mul(scale).intoArray(weights, to);
        a1.mul(scale).intoArray(weights, to + BLOCK);
        a2.mul(scale).intoArray(weights, to + 2 * BLOCK);
        a3.mul(scale).intoArray(weights, to + 3 * BLOCK);
    }

    private static float max(float[] weights, int seen) {
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < seen; j++) {
            max = Math.max(max, weights[j]);
        }
        return max;
    }

    /** Turns scores into exponentials and returns their sum. */
    private static float exponentials(Scratch mine, int seen, float max) {
        for (int lane = 0; lane < BLOCK; lane += L) {
            FloatVector sum = FloatVector.zero(F);
            for (int j = lane; j - lane < seen; j += BLOCK) {
                FloatVector e =
                        Lanes.exp(FloatVector.fromArray(F, mine.weights, j).sub(max));
                e.intoArray(mine.weights, j);
                sum = sum.add(e);
            }
            sum.intoArray(mine.lanes, lane);
        }
        return ReductionOrder.tree(mine.lanes);
    }

    /** {@code out[d] = sum over j < seen of weights[j] * v[j][d]}, j ascending. */
    private static void values(int[] table, int first, int seen, KvSlab kv, int kvHead, float[] weights, float[] out) {
        int width = kv.valueWidth();
        int d = 0;
        for (; d + 4 * L <= width; d += 4 * L) {
            fourVectors(table, first, seen, kv, kvHead, weights, out, d);
        }
        for (; d < width; d += L) {
            FloatVector a = FloatVector.zero(F);
            for (int j = 0; j < seen; j += BLOCK) {
                int v = kv.valueOffset(table[first + j / BLOCK], kvHead) + d;
                int end = Math.min(seen, j + BLOCK);
                for (int i = j; i < end; i++, v += width) {
                    a = FloatVector.fromArray(F, kv.values(), v).fma(FloatVector.broadcast(F, weights[i]), a);
                }
            }
            a.intoArray(out, d);
        }
    }

    private static void fourVectors(
            int[] table, int first, int seen, KvSlab kv, int kvHead, float[] weights, float[] out, int d) {
        int width = kv.valueWidth();
        float[] values = kv.values();
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        for (int j = 0; j < seen; j += BLOCK) {
            int v = kv.valueOffset(table[first + j / BLOCK], kvHead) + d;
            int end = Math.min(seen, j + BLOCK);
            for (int i = j; i < end; i++, v += width) {
                FloatVector p = FloatVector.broadcast(F, weights[i]);
                a0 = FloatVector.fromArray(F, values, v).fma(p, a0);
                a1 = FloatVector.fromArray(F, values, v + L).fma(p, a1);
                a2 = FloatVector.fromArray(F, values, v + 2 * L).fma(p, a2);
                a3 = FloatVector.fromArray(F, values, v + 3 * L).fma(p, a3);
            }
        }
        a0.intoArray(out, d);
        a1.intoArray(out, d + L);
        a2.intoArray(out, d + 2 * L);
        a3.intoArray(out, d + 3 * L);
    }
}
