package io.altiplano.worker.model;

import io.altiplano.worker.kernel.ActivationScaling;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.Fp8Rows;
import io.altiplano.worker.weights.InvalidCheckpointException;
import io.altiplano.worker.weights.Shards;
import io.altiplano.worker.weights.TensorSource;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads one rank's share of a checkpoint and packs it for a backend. */
final class WeightLoader {
    private final TensorSource tensors;
    private final LlamaConfig config;
    private final Split split;
    private final WeightsMode mode;
    private final Kernels kernels;
    private final Arena arena;
    private final @Nullable PanelFile panels;
    private final Map<String, RankWeights.Linear> byName = new LinkedHashMap<>();

    WeightLoader(
            TensorSource tensors,
            @Nullable PanelFile panels,
            Split split,
            WeightsMode mode,
            Kernels kernels,
            Arena arena) {
        this.panels = panels;
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
        RankWeights.Linear embedding = vocabulary("model.embed_tokens.weight");
        RankWeights.Linear output = config.tiedEmbeddings() ? embedding : vocabulary("lm_head.weight");
        return new RankWeights(
                embedding.matrix(), List.copyOf(layers), tensors.vector("model.norm.weight", config.hidden()), output);
    }

    /** What {@link #load} packed, by the names of the tensors. */
    Map<String, RankWeights.Linear> byName() {
        return byName;
    }

    private RankWeights.Linear vocabulary(String name) {
        FloatRows whole = tensors.matrix(name, config.vocabulary(), config.hidden());
        int from = split.vocabularyFrom();
        int count = split.vocabularyCount();
        return pack(
                List.of(new Part(name, Shards.rows(whole, from, count), from)),
                Slicing.whole(config.hidden()),
                mode == WeightsMode.FP8_ALL);
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

    /**
     * A run of a matrix's rows.
     *
     * @param from the first row's number in the whole matrix
     */
    private record Part(String name, FloatRows rows, int from) {}

    /** The rank's rows of several matrices [rows, hidden], under each other. */
    private RankWeights.Linear byRows(List<String> names, int[] rows, boolean fp8) {
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < rows.length; i++) {
            int share = rows[i] / split.ranks();
            int from = split.rank() * share;
            FloatRows whole = tensors.matrix(names.get(i), rows[i], config.hidden());
            parts.add(new Part(names.get(i), Shards.rows(whole, from, share), from));
        }
        return pack(parts, Slicing.whole(config.hidden()), fp8);
    }

    /** The rank's columns of a matrix [hidden, columns]. */
    private RankWeights.Linear byColumns(String name, int columns, boolean fp8) {
        FloatRows whole = tensors.matrix(name, config.hidden(), columns);
        return pack(List.of(new Part(name, whole, 0)), Slicing.share(columns, split.rank(), split.ranks()), fp8);
    }

    /** Packs the owned slices of parts that have all columns: a row's scale is the whole row's, on every rank. */
    private RankWeights.Linear pack(List<Part> parts, Slicing slicing, boolean fp8) {
        String names = parts.stream().map(Part::name).collect(Collectors.joining(", "));
        FloatRows rows = Shards.stack(parts.stream().map(Part::rows).toList());
        RankWeights.Linear linear = panels == null
                ? convert(parts, names, rows, slicing, fp8)
                : panels.linear(split.rank(), names, rows.rows(), slicing);
        byName.put(names, linear);
        return linear;
    }

    private RankWeights.Linear convert(List<Part> parts, String names, FloatRows rows, Slicing slicing, boolean fp8) {
        try {
            FloatRows owned = Shards.columns(rows, slicing.from(), slicing.localColumns());
            Fp8Rows stored = storedFp8(parts, names);
            if (stored != null) {
                return new RankWeights.Linear(
                        kernels.pack(owned, WeightType.F8, slicing, stored.scales(), arena), stored.activations());
            }
            if (fp8 && !tensors.quantized()) {
                return new RankWeights.Linear(
                        kernels.pack(owned, WeightType.F8, slicing, rowScales(rows), arena), ActivationScaling.META);
            }
            boolean bf16 = parts.stream().map(Part::name).allMatch(tensors::fitsBf16);
            return new RankWeights.Linear(
                    kernels.pack(owned, bf16 ? WeightType.BF16 : WeightType.F32, slicing, null, arena),
                    ActivationScaling.META);
        } catch (InvalidCheckpointException e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw new InvalidCheckpointException(
                    "%s: tensor %s: %s".formatted(tensors.where(), names, e.getMessage()), e);
        }
    }

    /** The scales of parts that the checkpoint stores as FP8; null if it does not. */
    private @Nullable Fp8Rows storedFp8(List<Part> parts, String names) {
        List<Fp8Rows> stored = new ArrayList<>();
        for (Part part : parts) {
            Fp8Rows one = tensors.fp8(part.name());
            if (one != null) {
                stored.add(one);
            }
        }
        if (stored.isEmpty()) {
            return null;
        }
        ActivationScaling activations = stored.getFirst().activations();
        if (stored.size() < parts.size()
                || stored.stream().anyMatch(s -> !s.activations().equals(activations))) {
            throw new InvalidCheckpointException(
                    "%s: tensors %s read the same input, so all of them must be FP8 with one scaling of it, or none"
                            .formatted(tensors.where(), names));
        }
        float[] scales = new float[parts.stream().mapToInt(p -> p.rows().rows()).sum()];
        int at = 0;
        for (int i = 0; i < parts.size(); i++) {
            int count = parts.get(i).rows().rows();
            System.arraycopy(stored.get(i).scales(), parts.get(i).from(), scales, at, count);
            at += count;
        }
        return new Fp8Rows(scales, activations);
    }

    /** A scale a row: its absolute maximum over 448. */
    static float[] rowScales(FloatRows rows) {
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
