package io.altiplano.worker.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * 1,000 lines with the log-probabilities that Hugging Face transformers gives their tokens on the starter model
 * ({@code src/test/goldens/score.py}).
 *
 * @param lines questions for {@code engine score}
 * @param bf16 transformers' values in bfloat16, [line][token but the first]
 * @param exact the same in float64
 * @param float32 the largest distance of transformers' float32 arithmetic from {@code exact}
 * @param rounding what bfloat16 arithmetic has to cost
 */
public record ScoreGolden(List<String> lines, double[][] bf16, double[][] exact, double float32, Distance rounding) {
    /**
     * How far some values are from others.
     *
     * @param rms root mean square over all tokens
     * @param max over all tokens
     * @param sumMax maximum over lines of the sum's distance divided by the root of the number of tokens
     */
    public record Distance(double rms, double max, double sumMax) {
        /**
         * Whether this is no more than bfloat16 arithmetic costs. Its unit roundoff is 2^-8 (8 significant bits, to nearest). Monte
         * Carlo arithmetic moves every operation's result by up to this share: the worst share at every rounding, and independent of
         * each other, so the root mean square and the sums of real roundings stay below. The largest of 47,000 values is one draw of
         * a wide tail: it may be twice the largest seen.
         */
        public boolean within(Distance rounding) {
            return rms <= rounding.rms && max <= 2 * rounding.max && sumMax <= rounding.sumMax;
        }
    }

    public static ScoreGolden read() {
        Path dir = Golden.directory(Golden.TIED).resolve("../../score");
        try {
            JsonNode json =
                    new ObjectMapper().readTree(dir.resolve("golden.json").toFile());
            JsonNode rounding = json.path("rounding");
            return new ScoreGolden(
                    Files.readAllLines(dir.resolve("lines.jsonl")),
                    values(dir.resolve("bf16.f32"), json.path("tokens")),
                    values(dir.resolve("exact.f32"), json.path("tokens")),
                    json.path("float32").doubleValue(),
                    new Distance(
                            rounding.path("rms").doubleValue(),
                            rounding.path("max").doubleValue(),
                            rounding.path("sum_max").doubleValue()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double[][] values(Path file, JsonNode tokens) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        double[][] values = new double[tokens.size()][];
        for (int line = 0; line < values.length; line++) {
            values[line] = new double[tokens.path(line).intValue() - 1];
            for (int i = 0; i < values[line].length; i++) {
                values[line][i] = bytes.getFloat();
            }
        }
        if (bytes.hasRemaining()) {
            throw new IllegalStateException(file + " has " + bytes.remaining() + " bytes too many");
        }
        return values;
    }

    /**
     * How far found values are from expected ones.
     *
     * @param found [line][token but the first]; the first lines of {@code expected}
     */
    public static Distance distance(double[][] found, double[][] expected) {
        double squares = 0;
        double max = 0;
        double sumMax = 0;
        long count = 0;
        for (int line = 0; line < found.length; line++) {
            if (found[line].length != expected[line].length) {
                throw new AssertionError("line %d has %d values, expected %d"
                        .formatted(line + 1, found[line].length, expected[line].length));
            }
            double sum = 0;
            for (int i = 0; i < found[line].length; i++) {
                double distance = found[line][i] - expected[line][i];
                squares += distance * distance;
                max = Math.max(max, Math.abs(distance));
                sum += distance;
            }
            count += found[line].length;
            sumMax = Math.max(sumMax, Math.abs(sum) / Math.sqrt(found[line].length));
        }
        return new Distance(Math.sqrt(squares / count), max, sumMax);
    }
}
