package io.altiplano.worker.model;

import io.altiplano.worker.collective.Collectives;
import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.Elementwise;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.kvcache.KvStorage;
import java.util.List;

/**
 * The forward pass of one rank. The residual stream x is replicated; q, k, v, w1 and w3 are split by output rows, so their
 * input is whole on every rank; attention-out and w2 are split by input columns, so each is followed by an all-reduce, and an
 * FP8 one is preceded by an all-reduce(max), since a row has one scale and its values lie on several ranks.
 *
 * <p>Buffers grow to the largest batch seen and are kept.
 */
final class RankForward {
    private final LlamaConfig config;
    private final Split split;
    private final RankWeights weights;
    private final RankKernels kernels;

    private int capacity;
    private float[] x = new float[0]; // [rows, hidden]: the residual stream
    private float[] h = new float[0]; // [rows, hidden]: a projection's input
    private float[] qkv = new float[0]; // [rows, split.qkvWidth()]
    private float[] att = new float[0]; // [rows, heads * headDim]
    private float[] gateUp = new float[0]; // [rows, 2 * ffn]
    private float[] ffn = new float[0]; // [rows, ffn]
    private float[] scales = new float[0]; // [rows]
    private float[] selected = new float[0]; // [logit rows, hidden]
    private float[] logits = new float[0]; // [logit rows, vocabulary share]

    RankForward(Split split, RankWeights weights, RankKernels kernels) {
        this.config = split.config();
        this.split = split;
        this.weights = weights;
        this.kernels = kernels;
    }

    /**
     * @param cos,sin rotary table rows, [rows, headDim/2]
     * @param lora which rows go through which adapters
     * @param logitRows rows whose logits are wanted
     * @param out [logit rows][vocabulary]; this rank writes its share of the columns
     */
    void run(
            int[] tokens,
            AttentionRows batch,
            float[] cos,
            float[] sin,
            KvStorage kv,
            LoraRows lora,
            int[] logitRows,
            float[][] out,
            Collectives comm) {
        int rows = batch.rows();
        ensure(rows);
        embed(tokens, rows, comm);
        for (int layer = 0; layer < config.layers(); layer++) {
            RankWeights.Layer w = weights.layers().get(layer);
            attention(w, layer, batch, cos, sin, kv.slab(split.rank(), layer), lora, comm);
            feedForward(w, layer, rows, lora, comm);
        }
        if (logitRows.length > 0) {
            output(logitRows, lora.select(logitRows), out);
        }
    }

    private void embed(int[] tokens, int rows, Collectives comm) {
        int hidden = config.hidden();
        float[] mine = comm.buffer(rows * hidden);
        int from = split.vocabularyFrom();
        for (int m = 0; m < rows; m++) {
            int row = tokens[m] - from;
            if (row >= 0 && row < split.vocabularyCount()) {
                weights.embedding().row(row, mine, m * hidden);
                float scale = weights.embedding().rowScales()[row];
                for (int i = m * hidden; i < (m + 1) * hidden; i++) {
                    mine[i] *= scale;
                }
            }
        }
        float[][] all = comm.allGather();
        for (int m = 0; m < rows; m++) {
            int owner = tokens[m] / split.vocabularyShare();
            System.arraycopy(all[owner], m * hidden, x, m * hidden, hidden);
        }
    }

    private void attention(
            RankWeights.Layer w,
            int layer,
            AttentionRows batch,
            float[] cos,
            float[] sin,
            KvSlab kv,
            LoraRows lora,
            Collectives comm) {
        int rows = batch.rows();
        int headDim = config.headDim();
        int width = split.qkvWidth();
        int qWidth = split.heads() * headDim;
        kernels.rmsNorm(x, rows, config.hidden(), w.attentionNorm(), config.normEpsilon(), h);
        int hidden = config.hidden();
        List<LoraRows.Inner> q =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).q(), h, hidden);
        List<LoraRows.Inner> k =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).k(), h, hidden);
        List<LoraRows.Inner> v =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).v(), h, hidden);
        project(w.qkv(), h, rows, qkv);
        LoraRows.add(q, kernels, qkv, width, 0);
        LoraRows.add(k, kernels, qkv, width, qWidth);
        LoraRows.add(v, kernels, qkv, width, qWidth + split.kvHeads() * headDim);
        Elementwise.rope(qkv, rows, width, 0, split.heads() + split.kvHeads(), headDim, cos, sin);
        Elementwise.storeKv(batch, qkv, width, qWidth, kv);
        float scale = (float) (1 / Math.sqrt(headDim));
        kernels.attention(batch, qkv, width, split.heads(), kv, scale, att);
        List<LoraRows.Inner> o =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).attentionOut(), att, qWidth);
        addSplitProjection(w.attentionOut(), att, rows, qWidth, comm);
        LoraRows.allReduce(o, comm);
        LoraRows.add(o, kernels, x, hidden, 0);
    }

    private void feedForward(RankWeights.Layer w, int layer, int rows, LoraRows lora, Collectives comm) {
        int hidden = config.hidden();
        kernels.rmsNorm(x, rows, config.hidden(), w.ffnNorm(), config.normEpsilon(), h);
        List<LoraRows.Inner> gate =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).gate(), h, hidden);
        List<LoraRows.Inner> up =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).up(), h, hidden);
        project(w.gateUp(), h, rows, gateUp);
        LoraRows.add(gate, kernels, gateUp, 2 * split.ffn(), 0);
        LoraRows.add(up, kernels, gateUp, 2 * split.ffn(), split.ffn());
        kernels.swiGlu(gateUp, rows, split.ffn(), ffn);
        List<LoraRows.Inner> down =
                lora.inner(split.rank(), kernels, s -> s.layers().get(layer).down(), ffn, split.ffn());
        addSplitProjection(w.down(), ffn, rows, split.ffn(), comm);
        LoraRows.allReduce(down, comm);
        LoraRows.add(down, kernels, x, hidden, 0);
    }

    private void output(int[] logitRows, LoraRows lora, float[][] out) {
        int hidden = config.hidden();
        int rows = logitRows.length;
        int share = weights.output().matrix().rows();
        if (logits.length < rows * share) {
            logits = new float[rows * share];
        }
        if (selected.length < rows * hidden) {
            selected = new float[rows * hidden];
        }
        for (int i = 0; i < rows; i++) {
            System.arraycopy(x, logitRows[i] * hidden, selected, i * hidden, hidden);
        }
        kernels.rmsNorm(selected, rows, hidden, weights.norm(), config.normEpsilon(), h);
        List<LoraRows.Inner> adapted = lora.inner(split.rank(), kernels, LoraAdapter.Share::output, h, hidden);
        project(weights.output(), h, rows, logits);
        LoraRows.add(adapted, kernels, logits, share, 0);
        for (int i = 0; i < rows; i++) {
            System.arraycopy(logits, i * share, out[i], split.vocabularyFrom(), share);
        }
    }

    /** A projection whose input is whole on this rank; {@code in} is overwritten if the weights are FP8. */
    private void project(RankWeights.Linear linear, float[] in, int rows, float[] out) {
        PackedMatrix w = linear.matrix();
        if (w.type() == WeightType.F8) {
            int width = w.slicing().localColumns();
            kernels.rowAbsMax(in, rows, width, scales);
            linear.activations().scales(scales, rows);
            kernels.quantize(in, rows, width, scales);
            kernels.matmul(w, in, rows, out);
            Elementwise.scale(out, rows, w.rows(), w.rowScales(), scales);
        } else {
            kernels.matmul(w, in, rows, out);
        }
    }

    /** Adds to x the projection of an input whose columns lie on all ranks. */
    private void addSplitProjection(RankWeights.Linear linear, float[] in, int rows, int width, Collectives comm) {
        PackedMatrix w = linear.matrix();
        int count = rows * w.rows();
        boolean fp8 = w.type() == WeightType.F8;
        if (fp8) {
            kernels.rowAbsMax(in, rows, width, comm.buffer(rows));
            System.arraycopy(comm.allReduceMax(rows), 0, scales, 0, rows);
            linear.activations().scales(scales, rows);
            kernels.quantize(in, rows, width, scales);
        }
        kernels.matmul(w, in, rows, comm.buffer(count));
        float[] sum = comm.allReduceSum(count);
        if (fp8) {
            Elementwise.scale(sum, rows, w.rows(), w.rowScales(), scales);
        }
        Elementwise.add(x, sum, count);
    }

    private void ensure(int rows) {
        if (rows <= capacity) {
            return;
        }
        capacity = rows;
        x = floats(rows, config.hidden());
        h = floats(rows, config.hidden());
        qkv = floats(rows, split.qkvWidth());
        att = floats(rows, split.heads() * config.headDim());
        gateUp = floats(rows, 2 * split.ffn());
        ffn = floats(rows, split.ffn());
        scales = new float[rows];
    }

    private static float[] floats(int rows, int width) {
        return new float[Math.multiplyExact(rows, width)];
    }
}
