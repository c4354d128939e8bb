package io.altiplano.gateway.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.TestCheckpoint;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Within Quarkus only because the tokenizer's native library belongs to the class loader that loads it first. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class CheckpointTest {
    @TempDir
    Path store;

    private Path directory;

    @BeforeEach
    void aCheckpoint() {
        directory = TestCheckpoint.write(store, "m");
    }

    private void refused(String message) {
        assertThatThrownBy(() -> Checkpoint.check(directory))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining(message);
    }

    private void configure(String key, Object value) throws IOException {
        Map<String, Object> config = TestCheckpoint.config();
        config.put(key, value);
        new ObjectMapper().writeValue(directory.resolve("config.json").toFile(), config);
    }

    @Test
    void aWholeCheckpointPassesAndIsKnownByItsWeights() throws Exception {
        Checkpoint first = Checkpoint.check(directory);
        Checkpoint again = Checkpoint.check(TestCheckpoint.write(store, "copy"));

        assertThat(first.contextLength()).isEqualTo(TestCheckpoint.CONTEXT);
        assertThat(first.vocabSize()).isEqualTo(264);
        assertThat(first.weightsSha256()).matches("[0-9a-f]{64}").isEqualTo(again.weightsSha256());
    }

    private void gguf(String from, String to) throws IOException {
        directory = Files.createDirectories(store.resolve("gguf"));
        Files.writeString(directory.resolve("LICENSE"), "A licence.");
        byte[] file = Files.readAllBytes(Path.of("../gpu-worker/src/test/resources/checkpoints/gguf-mixed/model.gguf"));
        String text = new String(file, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(from);
        Files.write(directory.resolve("model.gguf"), text.replace(from, to).getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void aGgufFilePassesWithItsLicenceBesideIt() throws Exception {
        gguf("", "");

        Checkpoint found = Checkpoint.check(directory);

        assertThat(found.contextLength()).isEqualTo(512);
        assertThat(found.vocabSize()).isEqualTo(1206);
        assertThat(found.weightsSha256()).matches("[0-9a-f]{64}");
        Files.delete(directory.resolve("LICENSE"));
        refused("LICENSE");
    }

    @Test
    void aGgufFileThatLacksATensorOrIsOfAnotherArchitectureIsRefused() throws IOException {
        gguf("blk.1.ffn_up.weight", "blk.1.ffn_op.weight");
        refused("the tensor blk.1.ffn_up.weight is missing");
        gguf("general.architecture", "general.architectura");
        refused("only llama can be served");
        gguf("GGUF", "GGML");
        refused("is no GGUF file");
    }

    @Test
    void aDirectoryThatIsNotThereIsNamed() {
        directory = store.resolve("nowhere");
        refused("'nowhere'");
    }

    @Test
    void withoutItsLicenceTextItIsRefused() throws IOException {
        Files.delete(directory.resolve("LICENSE"));
        refused("LICENSE");
    }

    @Test
    void anotherArchitectureIsRefused() throws IOException {
        configure("architectures", List.of("MixtralForCausalLM"));
        refused("MixtralForCausalLM");
    }

    @Test
    void shapesThatDoNotFitTheConfigurationAreRefused() throws IOException {
        configure("intermediate_size", 48);
        refused("mlp.");
    }

    @Test
    void aMissingLayerIsRefused() throws IOException {
        configure("num_hidden_layers", 2);
        refused("model.layers.1.");
    }

    @Test
    void aSmallerVocabularyThanTheTokenizersIsRefused() throws IOException {
        configure("vocab_size", 100);
        refused("vocab_size 100");
    }

    @Test
    void aNumberThatIsNoneIsRefused() throws IOException {
        configure("max_position_embeddings", "many");
        refused("max_position_embeddings");
    }

    @Test
    void aWeightFileCutOffIsRefused() throws IOException {
        try (RandomAccessFile file =
                new RandomAccessFile(directory.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(file.length() - 10);
        }
        refused("damaged or cut off");
    }

    @Test
    void aWeightFileThatIsNoneIsRefused() throws IOException {
        Files.writeString(directory.resolve("model.safetensors"), "hello, I am no safetensors file");
        refused("model.safetensors");
    }

    @Test
    void withoutWeightsItIsRefused() throws IOException {
        Files.delete(directory.resolve("model.safetensors"));
        refused("safetensors");
    }

    @Test
    void withoutATokenizerItIsRefused() throws IOException {
        Files.delete(directory.resolve("tokenizer.json"));
        refused("tokenizer.json");
    }
}
