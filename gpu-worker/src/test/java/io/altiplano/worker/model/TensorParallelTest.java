package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class TensorParallelTest {
    @TempDir
    Path dir;

    private LlamaModel load(Path from, WeightsMode mode, int ranks) {
        return LlamaModel.load(from, new ModelOptions(mode, ranks, 0, new CpuKernels()));
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void atTwoRanksEachHoldsAtMostSixtyPercentOfTheBytes(WeightsMode mode) {
        // given
        TestCheckpoint.of(8, 4, 16, 128, 256, 512, 1).write(dir);
        long whole;
        try (LlamaModel model = load(dir, mode, 1)) {
            whole = model.bytesHeld(0);
        }

        // when
        try (LlamaModel model = load(dir, mode, 2)) {
            // then
            assertThat(model.bytesHeld(0)).isLessThanOrEqualTo(whole * 6 / 10);
            assertThat(model.bytesHeld(1)).isLessThanOrEqualTo(whole * 6 / 10);
        }
    }

    @ParameterizedTest
    @CsvSource({"BF16, 9", "FP8_FFN, 11", "FP8_ALL, 17"})
    void collectivesAreTwoALayerAndTwoMoreWhereSplitInputsAreQuantized(WeightsMode mode, long expected) {
        // given four layers, the inner two of which fp8-ffn quantizes; one collective is the embeddings'
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1).write(dir);
        try (LlamaModel model = load(dir, mode, 2)) {
            // when
            new Sequences(model, 2).prefill(new int[] {1, 2, 3}, new int[] {2}, 3);

            // then
            assertThat(model.collectivesPerForward()).isEqualTo(expected);
        }
    }

    @Test
    void keysAndValuesAreSharedOverTheRanks() {
        // given
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1).write(dir);

        // when
        try (LlamaModel model = load(dir, WeightsMode.BF16, 2)) {
            // then
            assertThat(model.newKvStorage(3).slab(1, 3).heads()).isEqualTo(1);
            assertThat(model.newKvStorage(3).bytes()).isEqualTo(4L * 3 * 16 * 4 * 2 * 2 * 16);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "6, 2, 16, 96, 96, 4, num_attention_heads 6",
        "8, 2, 16, 96, 96, 4, num_key_value_heads 2",
        "8, 4, 16, 96, 90, 4, intermediate_size 90",
        "2, 2, 6, 96, 96, 2, heads * head_dim 12",
        "2, 2, 8, 96, 100, 2, intermediate_size 100",
    })
    void aSplitThatDoesNotDivideTheModelIsRefusedWithTheReason(
            int heads, int kvHeads, int headDim, int hidden, int ffn, int ranks, String reason) {
        // given
        TestCheckpoint.of(heads, kvHeads, headDim, hidden, ffn, 64, 1).write(dir);

        // when, then
        assertThatThrownBy(() -> load(dir, WeightsMode.FP8_ALL, ranks))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Tensor parallelism " + ranks)
                .hasMessageContaining(reason);
    }

    @Test
    void ranksThatTheReductionOrderCannotServeAreRefused() {
        assertThatThrownBy(() -> new ModelOptions(WeightsMode.BF16, 3, 0, new CpuKernels()))
                .hasMessageContaining("1, 2, 4 or 8");
    }

    @Test
    void theFingerprintNamesModeAndWeightsButNotTheRanks() {
        // given
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1).write(dir.resolve("a"));
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 2).write(dir.resolve("b"));

        // when
        String one = fingerprint("a", WeightsMode.FP8_ALL, 1);

        // then
        assertThat(fingerprint("a", WeightsMode.FP8_ALL, 2)).isEqualTo(one);
        assertThat(fingerprint("a", WeightsMode.BF16, 1)).isNotEqualTo(one);
        assertThat(fingerprint("b", WeightsMode.FP8_ALL, 1)).isNotEqualTo(one);
    }

    private String fingerprint(String name, WeightsMode mode, int ranks) {
        try (LlamaModel model = load(dir.resolve(name), mode, ranks)) {
            return model.numericsFingerprint();
        }
    }

    @Test
    void aBadBatchIsRefusedBeforeAnythingIsComputedAndTheModelGoesOn() {
        // given
        TestCheckpoint.of(4, 2, 16, 64, 96, 100, 1).write(dir);
        try (LlamaModel model = load(dir, WeightsMode.FP8_ALL, 2)) {
            Sequences sequences = new Sequences(model, 2);
            float[][] expected = sequences.prefill(new int[] {5, 6}, new int[] {1}, 2);

            // when, then
            assertThatThrownBy(() -> sequences.prefill(new int[] {100}, new int[] {0}, 1))
                    .hasMessage("Token 100 is not in the vocabulary of 100");
            assertThatThrownBy(() -> sequences.prefill(new int[33], new int[] {0}, 33))
                    .hasMessageContaining("has no KV block");
            assertThatThrownBy(() -> sequences.blocks(7).prefill(new int[] {1}, new int[] {0}, 1))
                    .hasMessage("KV block 7 is not one of 2");
            assertThat(new Sequences(model, 2).prefill(new int[] {5, 6}, new int[] {1}, 1)[0])
                    .containsExactly(expected[0]);
        }
    }
}
