package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.model.FaultyKernels.Fault;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ScorerTest {
    private static final Path STARTER =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("starter-model/model");

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

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            names = {"SCALE_ROWS_SWAPPED", "LAST_CHUNK_DROPPED"},
            mode = EnumSource.Mode.EXCLUDE)
    void aFaultyModelsScoresAreBeyondWhatBfloat16Costs(Fault fault) throws IOException {
        // given conversations of the thousand lines that hold `engine score` to transformers
        ScoreGolden golden = ScoreGolden.read();
        Kernels faulty = new FaultyKernels(new CpuKernels(), fault);
        try (LlamaModel model = LlamaModel.load(STARTER, new ModelOptions(WeightsMode.BF16, 1, 0, faulty))) {
            Scorer scorer = new Scorer(model);
            List<double[]> found = new ArrayList<>();
            List<double[]> expected = new ArrayList<>();
            for (int line = 0; found.size() < 50; line++) {
                JsonNode tokens =
                        new ObjectMapper().readTree(golden.lines().get(line)).path("tokens");
                if (tokens.isArray()) {
                    // when
                    double[] scores = scorer.score(new ObjectMapper().convertValue(tokens, int[].class));
                    found.add(Arrays.copyOfRange(scores, 1, scores.length));
                    expected.add(golden.bf16()[line]);
                }
            }

            // then
            ScoreGolden.Distance distance =
                    ScoreGolden.distance(found.toArray(double[][]::new), expected.toArray(double[][]::new));
            assertThat(distance.within(golden.rounding())).isFalse();
            assertThat(distance.rms()).isGreaterThan(3 * golden.rounding().rms());
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
