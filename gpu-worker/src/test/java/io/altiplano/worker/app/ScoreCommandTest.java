package io.altiplano.worker.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.model.ScoreGolden;
import io.altiplano.worker.model.ScoreGolden.Distance;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code engine score} against transformers, on 1,000 lines. */
class ScoreCommandTest {
    private static final Path STARTER =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("starter-model/model");
    /** Distances from float64 that another float32 order may have, in those of transformers' order. */
    private static final double ORDERS = 4;

    @Test
    void scores_of_a_thousand_lines_are_transformers_within_what_bfloat16_costs() throws IOException {
        // given
        ScoreGolden golden = ScoreGolden.read();

        // when
        double[][] found = score(golden.lines(), "f32");

        // then
        assertThat(found.length).isEqualTo(1000);
        Distance fromBf16 = ScoreGolden.distance(found, golden.bf16());
        System.out.println("engine score from transformers in bfloat16: " + fromBf16 + ", from float64: "
                + ScoreGolden.distance(found, golden.exact()) + "; bfloat16 costs " + golden.rounding());
        assertThat(fromBf16).matches(distance -> distance.within(golden.rounding()), "within " + golden.rounding());
        assertThat(ScoreGolden.distance(found, golden.exact()).max()).isLessThan(ORDERS * golden.float32());
    }

    @Test
    void keys_and_values_in_bfloat16_cost_no_more_than_bfloat16_does() throws IOException {
        // given
        ScoreGolden golden = ScoreGolden.read();

        // when
        double[][] found = score(golden.lines().subList(0, 150), "bf16");

        // then
        Distance fromExact = ScoreGolden.distance(found, golden.exact());
        assertThat(fromExact).matches(distance -> distance.within(golden.rounding()), "within " + golden.rounding());
        assertThat(fromExact.max()).isGreaterThan(ORDERS * golden.float32());
    }

    @Test
    void one_token_out_of_place_in_each_line_is_beyond_the_bound() {
        // given what a scorer that shifts by one would say
        ScoreGolden golden = ScoreGolden.read();
        double[][] shifted = Arrays.stream(golden.bf16())
                .map(line -> {
                    double[] moved = line.clone();
                    System.arraycopy(line, 0, moved, 1, line.length - 1);
                    return moved;
                })
                .toArray(double[][]::new);

        // when
        Distance distance = ScoreGolden.distance(shifted, golden.bf16());

        // then
        assertThat(distance.within(golden.rounding())).isFalse();
        assertThat(distance.rms()).isGreaterThan(10 * golden.rounding().rms());
    }

    private static double[][] score(List<String> lines, String kv) throws IOException {
        InputStream before = System.in;
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        try {
            System.setIn(new ByteArrayInputStream(String.join("\n", lines).getBytes(StandardCharsets.UTF_8)));
            int code = EngineCli.execute(
                    new PrintWriter(out),
                    new PrintWriter(err),
                    "score",
                    "--model",
                    STARTER.toString(),
                    "--weights",
                    "bf16",
                    "--kv",
                    kv);
            assertThat(code).as(err.toString()).isZero();
        } finally {
            System.setIn(before);
        }
        ObjectMapper json = new ObjectMapper();
        List<String> answers = out.toString().lines().toList();
        double[][] scores = new double[answers.size()][];
        for (int line = 0; line < scores.length; line++) {
            JsonNode answer = json.readTree(answers.get(line));
            JsonNode values = answer.path("logprobs");
            assertThat(values).hasSameSizeAs(answer.path("tokens"));
            assertThat(values.path(0).isNull()).isTrue();
            scores[line] = new double[values.size() - 1];
            for (int i = 0; i < scores[line].length; i++) {
                scores[line][i] = values.path(i + 1).doubleValue();
            }
            assertThat(answer.path("sum").doubleValue())
                    .isCloseTo(Arrays.stream(scores[line]).sum(), within(1e-9));
        }
        return scores;
    }
}
