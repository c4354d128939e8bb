package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ScorerTest {
    private static LlamaModel load(Golden golden) {
        return LlamaModel.load(golden.dir(), new ModelOptions(WeightsMode.BF16, 1, 0, new CpuKernels()));
    }

    @Test
    void scoresAreTheNaturalLogarithmsOfTransformersProbabilities() {
        // given
        Golden golden = Golden.read(Golden.TIED);
        try (LlamaModel model = load(golden)) {
            // when
            double[] scores = new Scorer(model).score(golden.prompt());

            // then
            assertThat(scores).hasSize(golden.prompt().length);
            assertThat(scores[0]).isNaN();
            for (int i = 0; i < golden.positions().length; i++) {
                int next = golden.positions()[i] + 1;
                if (next < scores.length) {
                    double[] logits = golden.exact()[i];
                    double max = Arrays.stream(logits).max().orElseThrow();
                    double sum =
                            Arrays.stream(logits).map(l -> Math.exp(l - max)).sum();
                    double expected = logits[golden.prompt()[next]] - max - Math.log(sum);
                    assertThat(scores[next]).isCloseTo(expected, within(8 * golden.error()));
                }
            }
        }
    }

    @Test
    void textsOfAnyLengthCanFollowEachOther() {
        // given
        Golden golden = Golden.read(Golden.TIED);
        try (LlamaModel model = load(golden)) {
            Scorer scorer = new Scorer(model);
            double[] alone = scorer.score(Arrays.copyOf(golden.prompt(), 5));

            // when
            scorer.score(golden.prompt());
            double[] after = scorer.score(Arrays.copyOf(golden.prompt(), 5));

            // then
            assertThat(after).containsExactly(alone);
            assertThat(scorer.score(new int[0])).isEmpty();
            assertThat(scorer.score(new int[] {7})).containsExactly(Double.NaN);
        }
    }

    @Test
    void aTextBeyondTheContextIsRefused() {
        // given
        Golden golden = Golden.read(Golden.TIED);
        try (LlamaModel model = load(golden)) {
            // when, then
            assertThatThrownBy(() -> new Scorer(model).score(new int[513]))
                    .hasMessage("513 tokens exceed the context of 512");
        }
    }
}
