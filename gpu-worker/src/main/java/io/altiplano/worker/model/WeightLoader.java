package io.altiplano.worker.model;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.InvalidCheckpointException;
import io.altiplano.worker.weights.Shards;
import io.altiplano.worker.weights.TensorSource;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** Reads one rank's share of a checkpoint and packs it for a backend. */
final class WeightLoader {
    private final TensorSource tensors;
    private final LlamaConfig config;
    private final Split split;
    private final WeightsMode mode;
    private final Kernels kernels;
    private final Arena arena;

    WeightLoader(TensorSource tensors, Split split, WeightsMode mode, Kernels kernels, Arena arena) {
        this.tensors = tensors;
        this.config = split.config();
        this.split = split;
        this.mode = mode;
        this.kernels = kernels;
        this.arena = arena;
    }

    RankWeights load() {
        List<RankWeights.Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(layer(layer));
        }
        PackedMatrix embedding = vocabulary("model.embed_tokens.weight");
        PackedMatrix output = config.tiedEmbeddings() ? embedding : vocabulary("lm_head.weight");
        return new RankWeights(
                embedding, List.copyOf(layers), tensors.vector("model.norm.weight", config.hidden()), output);
    }

    private PackedMatrix vocabulary(String name) {
        FloatRows whole = tensors.matrix(name, config.vocabulary(), config.hidden());
        FloatRows share = Shards.rows(whole, split.vocabularyFrom(), split.vocabularyCount());
        return pack(List.of(name), share, Slicing.whole(config.hidden()), mode == WeightsMode.FP8_ALL);
    }

    private RankWeights.Layer layer(int layer) {
        String prefix = "model.layers." + layer + ".";
        boolean inner = layer > 0 && layer < config.layers() - 1;
        boolean attentionFp8 = mode == WeightsMode.FP8_ALL;
        boolean ffnFp8 = attentionFp8 || (mode == WeightsMode.FP8_FFN && inner);
        int q = config.heads() * config.headDim();
        int kv = config.kvHeads() * config.headDim();
        return new RankWeights.Layer(
                tensors.vector(prefix + "input_layernorm.weight", config.hidden()),
                byRows(
                        List.of(
                                prefix + "self_attn.q_proj.weight",
                                prefix + "self_attn.k_proj.weight",
                                prefix + "self_attn.v_proj.weight"),
                        new int[] {q, kv, kv},
                        attentionFp8),
                byColumns(prefix + "self_attn.o_proj.weight", q, attentionFp8),
                tensors.vector(prefix + "post_attention_layernorm.weight", config.hidden()),
                byRows(
                        List.of(prefix + "mlp.gate_proj.weight", prefix + "mlp.up_proj.weight"),
                        new int[] {config.ffn(), config.ffn()},
                        ffnFp8),
                byColumns(prefix + "mlp.down_proj.weight", config.ffn(), ffnFp8));
    }

    /** The rank's rows of several matrices [rows, hidden], under each other. */
    private PackedMatrix byRows(List<String> names, int[] rows, boolean fp8) {
        List<FloatRows> parts = new ArrayList<>();
        for (int i = 0; i < rows.length; i++) {
            int share = rows[i] / split.ranks();
            parts.add(Shards.rows(tensors.matrix(names.get(i), rows[i], config.hidden()), split.rank() * share, share));
        }
        return pack(names, Shards.stack(parts), Slicing.whole(config.hidden()), fp8);
    }

    /** The rank's columns of a matrix [hidden, columns]. */
    private PackedMatrix byColumns(String name, int columns, boolean fp8) {
        FloatRows whole = tensors.matrix(name, config.hidden(), columns);
        return pack(List.of(name), whole, Slicing.share(columns, split.rank(), split.ranks()), fp8);
    }

    /** Packs the owned slices of {@code rows}, which has all columns: a row's scale is the whole row's, on every rank. */
    private PackedMatrix pack(List<String> names, FloatRows rows, Slicing slicing, boolean fp8) {
        try {
            FloatRows owned = Shards.columns(rows, slicing.from(), slicing.localColumns());
            if (fp8) {
                return kernels.pack(owned, WeightType.F8, slicing, rowScales(rows), arena);
            }
            boolean bf16 = names.stream().allMatch(tensors::fitsBf16);
            return kernels.pack(owned, bf16 ? WeightType.BF16 : WeightType.F32, slicing, null, arena);
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s: %s".formatted(tensors.where(), String.join(", ", names), e.getMessage()), e);
        }
    }

    private static float[] rowScales(FloatRows rows) {
        float[] scales = new float[rows.rows()];
        float[] row = new float[rows.columns()];
        for (int n = 0; n < scales.length; n++) {
            rows.read(n, 0, row.length, row, 0);
            float max = 0f;
            for (float value : row) {
                max = Math.max(max, Math.abs(value));
            }
            if (!Float.isFinite(max)) {
                throw new IllegalArgumentException("a weight of row %d is not finite".formatted(n));
            }
            scales[n] = E4m3.scaleOf(max);
        }
        return scales;
    }
}
