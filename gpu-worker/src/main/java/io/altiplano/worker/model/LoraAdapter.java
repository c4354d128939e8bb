package io.altiplano.worker.model;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.Checkpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import io.altiplano.worker.weights.Shards;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A LoRA adapter (Hu et al., arXiv 2106.09685) for one model, split over its ranks: a projection y = W x becomes W x + s B (A x), on
 * unquantized inputs. For a matrix that is split by output rows, A is whole on every rank and B split with the rows; for
 * one that is split by input columns, A is split with them, its product summed by the same tree as every other, and B whole. So
 * the ranks change no bit.
 */
public final class LoraAdapter implements AutoCloseable {
    private static final String PREFIX = "base_model.model.";
    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";
    private static final int MOST_RANK = 512;

    private final Arena arena;
    private final StringBuilder scales = new StringBuilder();
    private String sha256 = "";
    private final List<Share> shares = new ArrayList<>();
    private long bytes;

    /**
     * The two matrices of one projection.
     *
     * @param a [rank, inputs]
     * @param b [outputs, rank]
     * @param scale what the product is multiplied with
     */
    record Pair(PackedMatrix a, PackedMatrix b, float scale) {}

    /** The pairs of one layer; null where the adapter leaves a projection alone. */
    record Layer(
            @Nullable Pair q,
            @Nullable Pair k,
            @Nullable Pair v,
            @Nullable Pair attentionOut,
            @Nullable Pair gate,
            @Nullable Pair up,
            @Nullable Pair down) {}

    /** What one rank holds. */
    record Share(List<Layer> layers, @Nullable Pair output) {}

    private LoraAdapter(Arena arena) {
        this.arena = arena;
    }

    /**
     * Reads what PEFT's {@code save_pretrained} wrote, for a model of this configuration.
     *
     * @throws InvalidCheckpointException naming the file and the key or tensor that is wrong, or of another model
     */
    static LoraAdapter load(Path dir, LlamaConfig config, ModelOptions options) {
        LoraConfig lora = LoraConfig.read(dir);
        Arena arena = Arena.ofShared();
        try (Checkpoint tensors = Checkpoint.ofFile(dir.resolve("adapter_model.safetensors"))) {
            LoraAdapter adapter = new LoraAdapter(arena);
            Set<String> used = new HashSet<>();
            for (int rank = 0; rank < options.tensorParallel(); rank++) {
                Split split = new Split(config, rank, options.tensorParallel());
                Loader loader = new Loader(adapter, tensors, split, lora, options.kernels(), used);
                adapter.shares.add(loader.load());
            }
            adapter.sha256 = sha256(tensors.sha256() + adapter.scales);
            for (String name : tensors.names()) {
                if (!used.contains(name)) {
                    throw new InvalidCheckpointException("%s: tensor %s is no LoRA matrix of this model's linear layers"
                            .formatted(dir.resolve("adapter_model.safetensors"), name));
                }
            }
            return adapter;
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Bytes held over all ranks. */
    public long bytes() {
        return bytes;
    }

    /** SHA-256 over names, types, shapes and values of its tensors and over each matrix's scale: equal ones give equal bits over equal models. */
    public String sha256() {
        return sha256;
    }

    Share share(int rank) {
        return shares.get(rank);
    }

    /** Frees its memory; no forward pass may use it any more. */
    @Override
    public void close() {
        arena.close();
    }

    /** Packs one rank's share. */
    private record Loader(
            LoraAdapter adapter, Checkpoint tensors, Split split, LoraConfig lora, Kernels kernels, Set<String> used) {
        Share load() {
            LlamaConfig config = split.config();
            int q = config.heads() * config.headDim();
            int kv = config.kvHeads() * config.headDim();
            List<Layer> layers = new ArrayList<>();
            for (int layer = 0; layer < config.layers(); layer++) {
                String p = "model.layers." + layer + ".";
                layers.add(new Layer(
                        byRows(p + "self_attn.q_proj", q),
                        byRows(p + "self_attn.k_proj", kv),
                        byRows(p + "self_attn.v_proj", kv),
                        byColumns(p + "self_attn.o_proj", q),
                        byRows(p + "mlp.gate_proj", config.ffn()),
                        byRows(p + "mlp.up_proj", config.ffn()),
                        byColumns(p + "mlp.down_proj", config.ffn())));
            }
            Pair output = pair(
                    "lm_head",
                    config.vocabulary(),
                    config.hidden(),
                    Slicing.whole(config.hidden()),
                    split.vocabularyFrom(),
                    split.vocabularyCount());
            return new Share(List.copyOf(layers), output);
        }

        private @Nullable Pair byRows(String module, int rows) {
            int share = rows / split.ranks();
            int hidden = split.config().hidden();
            return pair(module, rows, hidden, Slicing.whole(hidden), split.rank() * share, share);
        }

        private @Nullable Pair byColumns(String module, int columns) {
            int hidden = split.config().hidden();
            return pair(module, hidden, columns, Slicing.share(columns, split.rank(), split.ranks()), 0, hidden);
        }

        private @Nullable Pair pair(
                String module, int outputs, int inputs, Slicing slicing, int fromOutput, int outputCount) {
            String nameA = PREFIX + module + A;
            String nameB = PREFIX + module + B;
            int rank = tensors.rows(nameA);
            if (rank == 0 && tensors.rows(nameB) == 0) {
                return null;
            }
            if (rank < 1 || rank > MOST_RANK) {
                throw new InvalidCheckpointException("%s: tensor %s is missing, or has no rank of 1 to %d"
                        .formatted(tensors.where(), nameA, MOST_RANK));
            }
            FloatRows a = tensors.matrix(nameA, rank, inputs);
            FloatRows b = tensors.matrix(nameB, outputs, rank);
            used.add(nameA);
            used.add(nameB);
            PackedMatrix packedA = pack(nameA, Shards.columns(a, slicing.from(), slicing.localColumns()), slicing);
            PackedMatrix packedB = pack(nameB, Shards.rows(b, fromOutput, outputCount), Slicing.whole(rank));
            adapter.bytes += packedA.bytes() + packedB.bytes();
            float scale = lora.scale(module, rank);
            if (split.rank() == 0) {
                adapter.scales.append(' ').append(module).append('=').append(Float.toHexString(scale));
            }
            return new Pair(packedA, packedB, scale);
        }

        private PackedMatrix pack(String name, FloatRows rows, Slicing slicing) {
            WeightType type = tensors.fitsBf16(name) ? WeightType.BF16 : WeightType.F32;
            return kernels.pack(rows, type, slicing, null, adapter.arena);
        }
    }
}
