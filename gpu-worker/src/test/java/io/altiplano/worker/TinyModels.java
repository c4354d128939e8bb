package io.altiplano.worker;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.ServedModel;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * The random checkpoint "tied-llama3" with a tokenizer to it: tokens 0 to 255 are the bytes, 256 begins a text, 257 and 258
 * end an answer. Context 512.
 */
public final class TinyModels {
    public static final int CONTEXT = 512;
    private static final ObjectMapper JSON = new ObjectMapper();

    private TinyModels() {}

    /** Writes the model's directory. */
    public static Path write(Path dir) {
        try {
            Files.createDirectories(dir);
            Path checkpoint = Path.of(
                    Objects.requireNonNull(TinyModels.class.getResource("/checkpoints/tied-llama3"), "the checkpoint")
                            .toURI());
            try (Stream<Path> files = Files.list(checkpoint)) {
                for (Path file : files.toList()) {
                    Files.copy(file, dir.resolve(file.getFileName().toString()));
                }
            }
            Files.writeString(dir.resolve("tokenizer.json"), tokenizer().toString());
            Files.writeString(
                    dir.resolve("chat_template.jinja"),
                    "{{ '<s>' }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
            return dir;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Opens it with BF16 weights on one rank. */
    public static ServedModel open(Path dir, EngineOptions size) {
        return ModelStore.open("tiny", dir, options(), size, (model, report) -> {});
    }

    /** BF16 weights on one rank. */
    public static ModelOptions options() {
        return new ModelOptions(WeightsMode.BF16, 1, 1, new CpuKernels());
    }

    private static ObjectNode tokenizer() {
        ObjectNode root = JSON.createObjectNode();
        String[] special = {"<s>", "</s>", "<|eot|>"};
        for (int i = 0; i < special.length; i++) {
            root.withArray("added_tokens")
                    .addObject()
                    .put("id", 256 + i)
                    .put("content", special[i])
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        root.putObject("pre_tokenizer")
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", false);
        root.putObject("decoder")
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", false);
        ObjectNode model = root.putObject("model").put("type", "BPE");
        model.putArray("merges");
        ObjectNode vocab = model.putObject("vocab");
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
            vocab.put(Character.toString(printable ? b : next++), b);
        }
        return root;
    }
}
