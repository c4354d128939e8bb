package io.altiplano.worker.model;

import io.altiplano.worker.collective.RankGroup;
import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.ReductionOrder;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.weights.Checkpoint;
import io.altiplano.worker.weights.GgufCheckpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import io.altiplano.worker.weights.RandomTensors;
import io.altiplano.worker.weights.TensorSource;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A loaded Llama model, split over tensor-parallel ranks that are threads of its own. For one caller thread at a time.
 *
 * <p>A row's logits depend on the tokens before it in its sequence alone, bit for bit: not on the rows beside it, on how its
 * prompt was chunked, on which KV blocks it holds, nor on the number of ranks ({@link ReductionOrder}).
 */
public final class LlamaModel implements AutoCloseable {
    private final LlamaConfig config;
    private final ModelOptions options;
    private final Arena arena;
    private final RankGroup ranks;
    private final RankForward[] forwards;
    private final RankKernels[] kernels;
    private final RankWeights[] weights;
    private final List<Map<String, RankWeights.Linear>> packed;
    private final RopeTable rope;
    private final String weightsSha256;
    private final String weightsLabel;
    private float[] cos = new float[0];
    private float[] sin = new float[0];
    private long collectives;

    private LlamaModel(LlamaConfig config, ModelOptions options, TensorSource tensors, @Nullable Path dir) {
        this.config = config;
        this.options = options;
        int n = options.tensorParallel();
        weightsLabel = tensors.quantized() ? "fp8-as-stored" : options.weights().label();
        rope = new RopeTable(config, tensors.ropeFactors(config.headDim() / 2));
        forwards = new RankForward[n];
        kernels = new RankKernels[n];
        weights = new RankWeights[n];
        arena = Arena.ofShared();
        ranks = new RankGroup(n, "llama");
        packed = new ArrayList<>(Collections.nCopies(n, Map.of()));
        try {
            PanelFile panels = dir != null && tensors instanceof Checkpoint checkpoint
                    ? PanelFile.open(dir, checkpoint, n, options.kernels(), arena)
                    : null;
            CompletableFuture<String> hash =
                    CompletableFuture.supplyAsync(panels == null ? tensors::sha256 : panels::weightsSha256);
            try {
                ranks.run(comm -> loadRank(comm.rank(), tensors, panels));
            } finally {
                weightsSha256 = hash.join();
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * Loads a Hugging Face checkpoint directory ({@code config.json} and safetensors) or one with a single GGUF file. Where the checkpoint is FP8 already, it
     * says what is FP8, and {@code options.weights()} does not count. The files are not needed afterwards.
     *
     * @throws io.altiplano.worker.weights.InvalidCheckpointException naming the file and the key or tensor that is wrong
     * @throws IllegalArgumentException if the model cannot be split over so many ranks, saying why
     */
    public static LlamaModel load(Path dir, ModelOptions options) {
        LlamaConfig config = LlamaConfig.read(dir);
        Split.check(config, options.tensorParallel());
        Path gguf = LlamaConfig.ggufOf(dir);
        try (TensorSource tensors = gguf == null ? Checkpoint.open(dir) : GgufCheckpoint.open(gguf)) {
            return new LlamaModel(config, options, tensors, dir);
        }
    }

    /**
     * A model of these sizes with random weights, for measurements.
     *
     * @throws IllegalArgumentException if it cannot be split over so many ranks, saying why
     */
    public static LlamaModel random(LlamaConfig config, ModelOptions options) {
        Split.check(config, options.tensorParallel());
        return new LlamaModel(config, options, new RandomTensors(1), null);
    }

    /**
     * Reads a checkpoint's configuration alone.
     *
     * @throws io.altiplano.worker.weights.InvalidCheckpointException naming the file and the key that is wrong
     * @throws IllegalArgumentException if the model cannot be split over so many ranks, saying why
     */
    public static void requireDivisible(Path dir, ModelOptions options) {
        Split.check(LlamaConfig.read(dir), options.tensorParallel());
    }

    /**
     * Writes a quantized checkpoint's matrices in the backend's own layout beside it, for so many ranks; the next load with as
     * many maps them.
     *
     * @throws io.altiplano.worker.weights.InvalidCheckpointException if the checkpoint is not quantized, or unfit
     */
    public static void writePanels(Path dir, ModelOptions options) {
        try (LlamaModel model = load(dir, options);
                Checkpoint checkpoint = Checkpoint.open(dir)) {
            if (!checkpoint.quantized()) {
                throw new InvalidCheckpointException(
                        dir + " is not quantized: its panels would depend on the weights mode");
            }
            PanelFile.write(dir, checkpoint, model.weightsSha256, options.kernels(), model.packed);
        }
    }

    private void loadRank(int rank, TensorSource tensors, @Nullable PanelFile panels) {
        Split split = new Split(config, rank, options.tensorParallel());
        WeightLoader loader = new WeightLoader(tensors, panels, split, options.weights(), options.kernels(), arena);
        weights[rank] = loader.load();
        synchronized (packed) {
            packed.set(rank, loader.byName());
        }
        kernels[rank] = options.kernels().forRank(options.threadsPerRank());
        forwards[rank] = new RankForward(split, weights[rank], kernels[rank]);
    }

    /** Sizes and special ids. */
    public LlamaConfig config() {
        return config;
    }

    /** New storage for {@code blocks} blocks of 16 positions, all layers, sharded over the ranks by KV head. */
    public KvStorage newKvStorage(int blocks) {
        return new KvStorage(
                options.kv(), blocks, config.layers(), options.tensorParallel(), config.kvHeads(), config.headDim());
    }

    /**
     * Reads a LoRA adapter for this model; may be called by any thread, also while the model runs.
     *
     * @throws InvalidCheckpointException naming the file and the key or tensor that is wrong, or of another model
     */
    public LoraAdapter loadAdapter(Path dir) {
        return LoraAdapter.load(dir, config, options);
    }

    /**
     * Runs one forward pass and writes the keys and values of its rows to {@code kv}.
     *
     * @param logits [batch.logitRows().length][vocabulary]: element i becomes the next-token logits of row {@code
     *     batch.logitRows()[i]}
     * @throws IllegalArgumentException if a token, position or block does not exist; nothing was written then
     */
    public void forward(ForwardBatch batch, KvStorage kv, float[][] logits) {
        check(batch, kv, logits);
        AttentionRows rows = new AttentionRows(batch.rows(), batch.positions(), batch.sequence(), batch.blockTables());
        int angles = batch.rows() * config.headDim() / 2;
        if (cos.length < angles) {
            cos = new float[angles];
            sin = new float[angles];
        }
        rope.fill(rows, cos, sin);
        long before = ranks.operations();
        LoraRows lora = LoraRows.of(batch.adapters(), batch.sequence());
        ranks.run(comm ->
                forwards[comm.rank()].run(batch.tokens(), rows, cos, sin, kv, lora, batch.logitRows(), logits, comm));
        collectives = ranks.operations() - before;
    }

    private void check(ForwardBatch batch, KvStorage kv, float[][] logits) {
        if (kv.ranks() != ranks.size() || kv.layers() != config.layers()) {
            throw new IllegalArgumentException("The KV storage is another model's");
        }
        if (logits.length != batch.logitRows().length) {
            throw new IllegalArgumentException(
                    "%d rows of logits for %d logit rows".formatted(logits.length, batch.logitRows().length));
        }
        for (float[] row : logits) {
            if (row.length < config.vocabulary()) {
                throw new IllegalArgumentException(
                        "A row of %d logits cannot hold a vocabulary of %d".formatted(row.length, config.vocabulary()));
            }
        }
        for (int i = 0; i < batch.rows(); i++) {
            checkRow(batch, i, kv);
        }
    }

    private void checkRow(ForwardBatch batch, int row, KvStorage kv) {
        int token = batch.tokens()[row];
        if (token < 0 || token >= config.vocabulary()) {
            throw new IllegalArgumentException(
                    "Token %d is not in the vocabulary of %d".formatted(token, config.vocabulary()));
        }
        int position = batch.positions()[row];
        if (position < 0 || position >= config.contextLength()) {
            throw new IllegalArgumentException(
                    "Position %d is beyond the context of %d".formatted(position, config.contextLength()));
        }
        int[] table = batch.blockTables()[batch.sequence()[row]];
        if (position / KvStorage.BLOCK >= table.length) {
            throw new IllegalArgumentException("Position %d has no KV block: the sequence holds %d blocks of %d"
                    .formatted(position, table.length, KvStorage.BLOCK));
        }
        for (int j = 0; j <= position / KvStorage.BLOCK; j++) {
            if (table[j] < 0 || table[j] >= kv.blocks()) {
                throw new IllegalArgumentException("KV block %d is not one of %d".formatted(table[j], kv.blocks()));
            }
        }
    }

    /**
     * Equal fingerprints give equal bits: the reduction order's version, the backend, the weights mode, the KV type, what of
     * the configuration is computed with, and the hash of the weights. The number of ranks is not part of it, as it changes no bit.
     */
    public String numericsFingerprint() {
        return "order-%d/%s/%s/kv-%s/config-%s/%s"
                .formatted(
                        ReductionOrder.VERSION,
                        options.kernels().numerics(),
                        weightsLabel,
                        options.kv(),
                        config.numerics(),
                        weightsSha256);
    }

    /** SHA-256 over names, types, shapes and values of the checkpoint's tensors. */
    public String weightsSha256() {
        return weightsSha256;
    }

    /** Bytes of weights that one rank holds, replicated ones and padding included. */
    public long bytesHeld(int rank) {
        return weights[rank].bytes();
    }

    /**
     * Collective operations of the latest forward pass: one for the embeddings, two a layer, and two more in each layer whose
     * split projections are both FP8, and one more for each split projection of each adapter. Logits are gathered by writing them to the caller's rows.
     */
    public long collectivesPerForward() {
        return collectives;
    }

    @Override
    public void close() {
        ranks.close();
        for (RankKernels k : kernels) {
            if (k != null) {
                k.close();
            }
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
