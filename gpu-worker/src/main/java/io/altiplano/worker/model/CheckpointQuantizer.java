package io.altiplano.worker.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.kernel.ActivationScaling;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.FloatRows;
import io.altiplano.worker.weights.Checkpoint;
import io.altiplano.worker.weights.InvalidCheckpointException;
import io.altiplano.worker.weights.SafetensorsWriter;
import io.altiplano.worker.weights.SafetensorsWriter.Entry;
import io.altiplano.worker.weights.TensorSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Writes a checkpoint's FP8 form as Hugging Face's {@code fbgemm_fp8} has it, which transformers and vLLM read too: {@code
 * weight} E4M3, {@code weight_scale} F32 [out, 1], {@code input_scale_ub}. Embeddings and output stay as stored, as those
 * readers expect; everything else of the directory is copied, the licence among it.
 */
public final class CheckpointQuantizer {
    private static final long SHARD_BYTES = 4L << 30;
    private static final List<String> ATTENTION = List.of("q_proj", "k_proj", "v_proj", "o_proj");
    private static final List<String> FFN = List.of("gate_proj", "up_proj", "down_proj");

    private final LlamaConfig config;
    private final TensorSource tensors;
    private final WeightsMode mode;
    private final List<Entry> entries = new ArrayList<>();
    private final List<String> kept = new ArrayList<>();

    private CheckpointQuantizer(LlamaConfig config, TensorSource tensors, WeightsMode mode) {
        this.config = config;
        this.tensors = tensors;
        this.mode = mode;
    }

    /**
     * Writes {@code out}, which must not exist yet or be empty; it appears whole or not at all.
     *
     * @param mode fp8-ffn or fp8-all
     * @throws InvalidCheckpointException if the checkpoint is unfit or quantized already
     * @throws IllegalArgumentException if there is something at {@code out}, or the mode is no FP8
     */
    public static void quantize(Path dir, Path out, WeightsMode mode) {
        quantize(dir, out, mode, SHARD_BYTES);
    }

    static void quantize(Path dir, Path out, WeightsMode mode, long shardBytes) {
        if (mode == WeightsMode.BF16) {
            throw new IllegalArgumentException("--weights must be fp8-ffn or fp8-all: bf16 is no quantization");
        }
        LlamaConfig config = LlamaConfig.read(dir);
        try (Checkpoint checkpoint = Checkpoint.open(dir)) {
            if (checkpoint.quantized()) {
                throw new InvalidCheckpointException(dir + " is quantized already: start from the original");
            }
            requireEmpty(out);
            Path unfinished = out.resolveSibling(out.getFileName() + ".unfinished");
            deleteFiles(unfinished);
            Files.createDirectories(unfinished);
            CheckpointQuantizer quantizer = new CheckpointQuantizer(config, checkpoint, mode);
            quantizer.list();
            SafetensorsWriter.write(unfinished, quantizer.entries, shardBytes);
            copyRest(dir, unfinished);
            Files.writeString(unfinished.resolve("config.json"), quantizer.configuration(dir) + "\n");
            Files.deleteIfExists(out);
            Files.move(unfinished, out, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(out + " cannot be written: " + e, e);
        }
    }

    private static void requireEmpty(Path out) throws IOException {
        if (Files.exists(out)) {
            try (Stream<Path> there = Files.list(out)) {
                if (there.findAny().isPresent()) {
                    throw new IllegalArgumentException(out + " is not empty: name a new directory");
                }
            }
        }
    }

    private static void deleteFiles(Path dir) throws IOException {
        if (Files.isDirectory(dir)) {
            try (Stream<Path> there = Files.list(dir)) {
                for (Path file : there.toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private static void copyRest(Path dir, Path to) throws IOException {
        try (Stream<Path> files = Files.list(dir)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                boolean weights = Stream.of(
                                ".safetensors", ".safetensors.index.json", ".bin", ".pth", ".gguf", ".panels")
                        .anyMatch(name::endsWith);
                if (!weights && !name.equals("config.json")) {
                    Files.copy(file, to.resolve(name));
                }
            }
        }
    }

    private String configuration(Path dir) throws IOException {
        ObjectNode json = (ObjectNode)
                new ObjectMapper().readTree(dir.resolve("config.json").toFile());
        ObjectNode quantization = json.putObject("quantization_config");
        quantization.put("quant_method", "fbgemm_fp8");
        quantization.put("activation_scale_ub", ActivationScaling.META.bound());
        ArrayNode names = quantization.putArray("modules_to_not_convert");
        kept.forEach(names::add);
        return json.toPrettyString();
    }

    private void list() {
        plain("model.embed_tokens.weight", config.vocabulary(), config.hidden());
        int q = config.heads() * config.headDim();
        int kv = config.kvHeads() * config.headDim();
        Map<String, int[]> shapes = Map.of(
                "q_proj", new int[] {q, config.hidden()},
                "k_proj", new int[] {kv, config.hidden()},
                "v_proj", new int[] {kv, config.hidden()},
                "o_proj", new int[] {config.hidden(), q},
                "gate_proj", new int[] {config.ffn(), config.hidden()},
                "up_proj", new int[] {config.ffn(), config.hidden()},
                "down_proj", new int[] {config.hidden(), config.ffn()});
        for (int layer = 0; layer < config.layers(); layer++) {
            String prefix = "model.layers." + layer + ".";
            norm(prefix + "input_layernorm.weight");
            boolean all = mode == WeightsMode.FP8_ALL;
            boolean inner = layer > 0 && layer < config.layers() - 1;
            ATTENTION.forEach(m -> linear(prefix + "self_attn." + m, shapes.getOrDefault(m, new int[2]), all));
            norm(prefix + "post_attention_layernorm.weight");
            FFN.forEach(m -> linear(prefix + "mlp." + m, shapes.getOrDefault(m, new int[2]), all || inner));
        }
        norm("model.norm.weight");
        kept.add("lm_head");
        if (!config.tiedEmbeddings()) {
            plain("lm_head.weight", config.vocabulary(), config.hidden());
        }
    }

    private void linear(String module, int[] shape, boolean fp8) {
        if (!fp8) {
            kept.add(module);
            plain(module + ".weight", shape[0], shape[1]);
            return;
        }
        FloatRows values = tensors.matrix(module + ".weight", shape[0], shape[1]);
        float[] scales = WeightLoader.rowScales(values);
        entries.add(SafetensorsWriter.fp8(module + ".weight", values, scales));
        entries.add(SafetensorsWriter.column(module + ".weight_scale", scales));
        entries.add(SafetensorsWriter.vector(module + ".input_scale_ub", new float[] {ActivationScaling.META.bound()}));
    }

    private void plain(String name, int rows, int columns) {
        entries.add(SafetensorsWriter.matrix(name, tensors.matrix(name, rows, columns), tensors.fitsBf16(name)));
    }

    private void norm(String name) {
        float[] values = tensors.vector(name, config.hidden());
        boolean bf16 = true;
        for (float value : values) {
            bf16 &= Bf16.isExact(value);
        }
        entries.add(bf16 ? SafetensorsWriter.bf16Vector(name, values) : SafetensorsWriter.vector(name, values));
    }
}
