package io.altiplano.worker.kernel.cpu;

import static io.altiplano.worker.kernel.cpu.Lanes.F;
import static io.altiplano.worker.kernel.cpu.Lanes.L;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.ReductionOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention over paged keys and values, for some neighbouring rows and one KV head at a time: a chunk is widened once for them. Scores
 * run along the 16 positions of a block, outputs along the head. A block's slots beyond the row's position are read with it but count as minus infinity, and the sum over values ends
 * at the row's position, so what they hold cannot matter.
 */
final class Attention {
    private static final int BLOCK = KvSlab.BLOCK;
    /** Rows of a tile at most: widening is then a small part, and the rows' sums stay in the second-level cache. */
    private static final int ROWS = 16;

    private final Team team;
    private final Scratch[] scratch;
    private final RowTiles rows = new RowTiles();

    /** One thread's memory; of each query, a row's head that shares the KV head: the largest score so far, the sums under it. */
    private static final class Scratch {
        final float[] weights = new float[ReductionOrder.CHUNK];
        final float[] lanes = new float[ReductionOrder.LANES];
        final WidenedChunk kv = new WidenedChunk();
        float[] chunk = new float[0];
        float[][] sum = new float[0][];
        float[] max = new float[0];
        float[] total = new float[0];

        void ensure(int queries, int width) {
            if (sum.length < queries || chunk.length < width) {
                chunk = new float[width];
                sum = new float[queries][width];
                max = new float[queries];
                total = new float[queries];
            }
        }
    }

    Attention(Team team) {
        this.team = team;
        scratch = new Scratch[team.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void run(AttentionRows batch, float[] qkv, int stride, int heads, KvSlab kv, float scale, float[] out) {
        int tiles = rows.cut(batch, ROWS);
        team.run(tiles * kv.heads(), (piece, worker) -> {
            // The last rows see most: they go first, so that no thread is left with a long piece at the end.
            RowTiles.Tile tile = rows.get(tiles - 1 - piece / kv.heads());
            tile(tile, piece % kv.heads(), qkv, stride, heads, kv, scale, out, scratch[worker]);
        });
    }

    /** The rows' query heads that share a KV head: they read a chunk of it together. */
    private static void tile(
            RowTiles.Tile tile,
            int kvHead,
            float[] q,
            int stride,
            int heads,
            KvSlab kv,
            float scale,
            float[] out,
            Scratch mine) {
        int headDim = kv.headDim();
        int group = heads / kv.heads();
        int[] positions = tile.batch().positions();
        mine.ensure(tile.rows() * group, kv.valueWidth());
        int last = tile.lastPosition();
        for (int chunk = 0; chunk <= last; chunk += ReductionOrder.CHUNK) {
            mine.kv.read(kv, kvHead, tile.table(), chunk, Math.min(ReductionOrder.CHUNK, last + 1 - chunk));
            for (int m = tile.from(); m < tile.end(); m++) {
                int seen = Math.min(ReductionOrder.CHUNK, positions[m] + 1 - chunk);
                for (int h = 0; h < group && seen > 0; h++) {
                    int from = m * stride + (kvHead * group + h) * headDim;
                    fold(chunk == 0, seen, q, from, (m - tile.from()) * group + h, scale, mine);
                }
            }
        }
        for (int m = tile.from(); m < tile.end(); m++) {
            for (int h = 0; h < group; h++) {
                int query = (m - tile.from()) * group + h;
                int to = (m * heads + kvHead * group + h) * headDim;
                for (int d = 0; d < headDim; d++) {
                    out[to + d] = mine.sum[query][d] / mine.total[query];
                }
            }
        }
    }

    /** Adds the chunk that was read to one query's sums. */
    private static void fold(boolean opens, int seen, float[] q, int qFrom, int query, float scale, Scratch mine) {
        WidenedChunk from = mine.kv;
        float[] sums = mine.sum[query];
        scores(from.table, from.first, seen, q, qFrom, from.slab, from.head, scale, mine.weights);
        float chunkMax = max(mine.weights, seen);
        float chunkTotal = exponentials(mine, seen, chunkMax);
        values(from.table, from.first, seen, from.slab, from.head, mine.weights, opens ? sums : mine.chunk);
        if (opens) {
            mine.max[query] = chunkMax;
            mine.total[query] = chunkTotal;
            return;
        }
        float newMax = Math.max(mine.max[query], chunkMax);
        float before = ReductionOrder.exp(mine.max[query] - newMax);
        float now = ReductionOrder.exp(chunkMax - newMax);
        mine.total[query] = Math.fma(mine.total[query], before, chunkTotal * now);
        mine.max[query] = newMax;
        for (int d = 0; d < from.slab.valueWidth(); d += L) {
            FloatVector.fromArray(F, sums, d)
                    .fma(
                            FloatVector.broadcast(F, before),
                            FloatVector.fromArray(F, mine.chunk, d).mul(now))
                    .intoArray(sums, d);
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
        float[] numbers = WidenedChunk.numbers(kv.keys());
        int blocks = (seen + BLOCK - 1) / BLOCK;
        int b = 0;
        for (; b + 4 <= blocks; b += 4) {
            for (int lane = 0; lane < BLOCK; lane += L) {
                fourBlocks(
                        numbers,
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
                    FloatVector k = FloatVector.fromArray(F, numbers, keys + lane + d * BLOCK);
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
        FloatVector most = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        int j = 0;
        for (; j + L <= seen; j += L) {
            most = most.max(FloatVector.fromArray(F, weights, j));
        }
        float max = most.reduceLanes(VectorOperators.MAX);
        for (; j < seen; j++) {
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
        float[] numbers = WidenedChunk.numbers(kv.values());
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
                    a = FloatVector.fromArray(F, numbers, v).fma(FloatVector.broadcast(F, weights[i]), a);
                }
            }
            a.intoArray(out, d);
        }
    }

    private static void fourVectors(
            int[] table, int first, int seen, KvSlab kv, int kvHead, float[] weights, float[] out, int d) {
        int width = kv.valueWidth();
        float[] values = WidenedChunk.numbers(kv.values());
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
