package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.model.FaultyKernels.Fault;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Logits against Hugging Face transformers'. The bound comes from the type: {@code error} is what float32 arithmetic costs
 * transformers itself on this model, its distance from float64; another order of the same float32 operations may cost a few
 * times that, and nothing else may differ.
 *
 * <p>With FP8 a difference in the last bit can flip the rounding of an activation, which moves some logits by as much as
 * quantization itself does; the median logit must still be far nearer to the same quantization in float64 than that is to the
 * unquantized model.
 */
class HuggingFaceGoldenTest {
    /** Distances from float64 that another float32 order may have, in those of transformers' order. */
    private static final double ORDERS = 4;
    /** Share of quantization's own median effect that flipped roundings may cost the median logit. */
    private static final double FLIPS = 0.1;

    static Stream<Arguments> checkpoints() {
        List<Kernels> backends = List.of(new ReferenceKernels(), new CpuKernels());
        return Stream.of(Golden.TIED, Golden.UNTIED, Golden.LLAMA2)
                .flatMap(name -> backends.stream().map(k -> Arguments.of(name, k.name(), k)));
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("checkpoints")
    void logitsEqualTransformersWithinWhatFloat32Costs(String name, String backend, Kernels kernels) {
        // given
        Golden golden = Golden.read(name);

        // when
        float[][] logits = golden.logits(kernels, WeightsMode.BF16, 1);

        // then
        assertThat(golden.distance(logits)).isLessThan(ORDERS * golden.error());
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"SCALE_ROWS_SWAPPED"},
            mode = EnumSource.Mode.EXCLUDE)
    void aPlantedFaultIsFarBeyondTheBound(Fault fault) {
        // given
        Golden golden = Golden.read(Golden.TIED);

        // when
        float[][] logits = golden.logits(new FaultyKernels(new CpuKernels(), fault), WeightsMode.BF16, 1);

        // then
        assertThat(golden.distance(logits)).isGreaterThan(1000 * ORDERS * golden.error());
    }

    @ParameterizedTest
    @CsvSource({"tied-llama3, FP8_ALL", "untied-odd, FP8_FFN", "untied-odd, FP8_ALL"})
    void quantizedLogitsFollowMetasRecipe(String name, WeightsMode mode) {
        // given
        Golden golden = Golden.read(name);
        float[][] unquantized = golden.logits(new CpuKernels(), WeightsMode.BF16, 1);

        // when
        float[][] logits = golden.logits(new CpuKernels(), mode, 1);

        // then
        assertThat(golden.medianDistance(logits, mode)).isLessThan(FLIPS * golden.medianDistance(unquantized, mode));
    }

    @ParameterizedTest
    @CsvSource({"tied-llama3, FP8_ALL", "untied-odd, FP8_FFN"})
    void swappedScaleRowsAreSeen(String name, WeightsMode mode) {
        // given
        Golden golden = Golden.read(name);
        float[][] unquantized = golden.logits(new CpuKernels(), WeightsMode.BF16, 1);
        Kernels faulty = new FaultyKernels(new CpuKernels(), Fault.SCALE_ROWS_SWAPPED);

        // when
        float[][] logits = golden.logits(faulty, mode, 1);

        // then
        assertThat(golden.medianDistance(logits, mode)).isGreaterThan(golden.medianDistance(unquantized, mode));
    }

    @ParameterizedTest
    @CsvSource({"tied-llama3", "untied-odd"})
    void withoutInnerLayersFp8FfnChangesNothingAndOtherwiseItDoes(String name) {
        // given a model of two layers, which are the first and the last, and one of three
        Golden golden = Golden.read(name);
        float[][] unquantized = golden.logits(new CpuKernels(), WeightsMode.BF16, 1);

        // when
        float[][] logits = golden.logits(new CpuKernels(), WeightsMode.FP8_FFN, 1);

        // then
        if (name.equals(Golden.TIED)) {
            assertThat(logits).isDeepEqualTo(unquantized);
        } else {
            assertThat(logits[0]).isNotEqualTo(unquantized[0]);
        }
    }
}
