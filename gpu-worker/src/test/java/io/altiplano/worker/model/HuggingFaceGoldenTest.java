package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Logits against Hugging Face transformers'. The bound comes from the type: {@code error} is what float32 arithmetic costs
 * transformers itself on this model, its distance from float64; another order of the same float32 operations may cost a few
 * times that, and nothing else may differ.
 */
class HuggingFaceGoldenTest {
    /** Distances from float64 that another float32 order may have, in those of transformers' order. */
    private static final double ORDERS = 4;

    static Stream<Arguments> checkpoints() {
        List<Kernels> backends = List.of(new ReferenceKernels(), new CpuKernels());
        return Stream.of(Golden.TIED, Golden.UNTIED)
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
}
