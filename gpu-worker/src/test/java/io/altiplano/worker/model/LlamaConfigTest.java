package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.weights.InvalidCheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LlamaConfigTest {
    private static final String SIZES = """
            "model_type":"llama","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"intermediate_size":160,\
            "vocab_size":259,"max_position_embeddings":512,"rms_norm_eps":1e-5""";

    @TempDir
    Path dir;

    private LlamaConfig read(String more) throws IOException {
        Files.writeString(dir.resolve("config.json"), "{" + SIZES + (more.isEmpty() ? "" : ",") + more + "}");
        return LlamaConfig.read(dir);
    }

    @Test
    void whatTheFileLeavesOutHasTheFormatsDefaults() throws IOException {
        // when
        LlamaConfig config = read("");

        // then
        assertThat(config.kvHeads()).isEqualTo(4);
        assertThat(config.headDim()).isEqualTo(16);
        assertThat(config.ropeTheta()).isEqualTo(10_000);
        assertThat(config.ropeScaling()).isNull();
        assertThat(config.tiedEmbeddings()).isFalse();
        assertThat(config.bosId()).isEqualTo(-1);
        assertThat(config.eosIds()).isEmpty();
    }

    @Test
    void llama31sFileIsRead() throws IOException {
        // when
        LlamaConfig config = read("""
                "num_key_value_heads":2,"head_dim":20,"rope_theta":500000.0,"tie_word_embeddings":true,"bos_token_id":128000,
                "eos_token_id":[128001,128008,128009],"rope_scaling":{"factor":8.0,"low_freq_factor":1.0,
                "high_freq_factor":4.0,"original_max_position_embeddings":8192,"rope_type":"llama3"}""");

        // then
        assertThat(config.headDim()).isEqualTo(20);
        assertThat(config.ropeTheta()).isEqualTo(500_000);
        assertThat(config.ropeScaling()).isEqualTo(new RopeScaling(8, 1, 4, 8192));
        assertThat(config.tiedEmbeddings()).isTrue();
        assertThat(config.bosId()).isEqualTo(128000);
        assertThat(config.eosIds()).containsExactly(128001, 128008, 128009);
    }

    @Test
    void theNewerRopeParametersAndTheGenerationConfigAreRead() throws IOException {
        // given
        Files.writeString(dir.resolve("generation_config.json"), "{\"eos_token_id\":[7,9]}");

        // when
        LlamaConfig config = read("""
                "eos_token_id":7,"rope_parameters":{"rope_type":"llama3","rope_theta":250000.0,"factor":8,"low_freq_factor":1,
                "high_freq_factor":4,"original_max_position_embeddings":64}""");

        // then
        assertThat(config.ropeTheta()).isEqualTo(250_000);
        assertThat(config.ropeScaling()).isEqualTo(new RopeScaling(8, 1, 4, 64));
        assertThat(config.eosIds()).containsExactly(7, 9);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'num_key_value_heads':3 | num_key_value_heads 3 does not divide num_attention_heads 4",
                "'hidden_size':-64 | hidden_size -64",
                "'hidden_size':'64' | hidden_size is not a whole number",
                "'hidden_size':null | hidden_size is missing",
                "'num_attention_heads':7 | head_dim is missing, and num_attention_heads 7 does not divide hidden_size 64",
                "'head_dim':15 | head_dim 15 is odd",
                "'model_type':'mistral' | model_type is 'mistral'",
                "'hidden_act':'gelu' | hidden_act is 'gelu'",
                "'attention_bias':true | attention_bias is true",
                "'rope_scaling':{'rope_type':'yarn','factor':4} | rope_type is 'yarn'",
                "'rope_scaling':{'rope_type':'llama3','factor':8} | original_max_position_embeddings is missing",
                "'rms_norm_eps':'small' | rms_norm_eps is not a number",
                "'eos_token_id':'end' | eos_token_id is neither an id nor a list",
            })
    void aWrongKeyIsRefusedByFileAndName(String more, String message) {
        assertThatThrownBy(() -> read(more.replace('\'', '"')))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining(message);
    }

    @Test
    void aMissingOrMalformedFileIsNamed() throws IOException {
        assertThatThrownBy(() -> LlamaConfig.read(dir)).hasMessageContaining("config.json is missing");
        Files.writeString(dir.resolve("config.json"), "{");
        assertThatThrownBy(() -> LlamaConfig.read(dir)).hasMessageContaining("config.json is not JSON");
        Files.writeString(dir.resolve("config.json"), "[]");
        assertThatThrownBy(() -> LlamaConfig.read(dir)).hasMessageContaining("is not a JSON object");
    }

    @ParameterizedTest
    @CsvSource({"BF16", "FP8_FFN", "FP8_ALL"})
    void aWeightThatIsNotFiniteIsRefusedByTensor(WeightsMode mode) {
        // given
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1)
                .with(c -> Arrays.fill(
                        c.tensors.getOrDefault("model.layers.1.mlp.up_proj.weight", new float[1]), 70, 71, Float.NaN))
                .write(dir);

        // when, then
        assertThatThrownBy(() -> LlamaModel.load(dir, new ModelOptions(mode, 2, 0, new CpuKernels())))
                .isInstanceOf(InvalidCheckpointException.class)
                .hasMessageContaining("model.layers.1.mlp.up_proj.weight");
    }

    @Test
    void aTensorThatIsMissingOrOfAnotherSizeIsNamed() {
        // given
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1)
                .with(c -> c.tensors.remove("model.layers.3.self_attn.k_proj.weight"))
                .write(dir);

        // when, then
        assertThatThrownBy(() -> LlamaModel.load(dir, new ModelOptions(WeightsMode.BF16, 1, 0, new CpuKernels())))
                .hasMessageContaining("tensor model.layers.3.self_attn.k_proj.weight is missing");
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1)
                .with(c -> c.shapes.put("lm_head.weight", new long[] {64, 100}))
                .write(dir);
        assertThatThrownBy(() -> LlamaModel.load(dir, new ModelOptions(WeightsMode.BF16, 1, 0, new CpuKernels())))
                .hasMessageContaining("tensor lm_head.weight has shape [64, 100], the configuration needs [100, 64]");
    }
}
