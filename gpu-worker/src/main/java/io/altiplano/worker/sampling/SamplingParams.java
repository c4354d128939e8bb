package io.altiplano.worker.sampling;

import java.util.Map;

/**
 * How tokens are chosen. In this order: penalties and bias on the logits; temperature; {@code minP}; {@code topK}; {@code
 * topP} of what these leave; then the noise.
 *
 * @param temperature 0 (greedy) to 2
 * @param topP the nucleus' probability, in (0, 1]
 * @param topK only so many of the likeliest tokens; 0 for all
 * @param minP tokens below this share of the likeliest one's probability are left out; 0 to 1
 * @param penalties on tokens that were there before
 * @param bias added to the logits of these tokens, each -100 to 100
 * @param seed the noise's key
 * @param choice which of a request's answers this is, from 0: each has noise of its own under the same seed
 */
public record SamplingParams(
        float temperature,
        float topP,
        int topK,
        float minP,
        Penalties penalties,
        Map<Integer, Float> bias,
        long seed,
        int choice) {
    private static final float MOST_BIAS = 100;

    /**
     * Penalties on tokens that were there before; OpenAI's formula for the first two.
     *
     * @param presence -2 to 2: taken off the logit of each token that the answer has
     * @param frequency -2 to 2: taken off as often as the answer has it
     * @param repetition above 0, at most 10; 1 is none: divides logits above 0, and multiplies those below, of tokens that
     *     prompt or answer have
     */
    public record Penalties(float presence, float frequency, float repetition) {
        public static final Penalties NONE = new Penalties(0, 0, 1);

        public Penalties {
            requireRange("presence_penalty", presence, -2, 2);
            requireRange("frequency_penalty", frequency, -2, 2);
            if (!(repetition > 0 && repetition <= 10)) {
                throw new IllegalArgumentException(
                        "repetition_penalty must be above 0 and at most 10, not " + repetition);
            }
        }

        boolean none() {
            return presence == 0 && frequency == 0 && repetition == 1;
        }
    }

    public SamplingParams {
        bias = Map.copyOf(bias);
        requireRange("temperature", temperature, 0, 2);
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p must be above 0 and at most 1, not " + topP);
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k must be 0 (all) or more, not " + topK);
        }
        requireRange("min_p", minP, 0, 1);
        bias.forEach((token, value) -> requireRange("logit_bias of token " + token, value, -MOST_BIAS, MOST_BIAS));
        if (choice < 0) {
            throw new IllegalArgumentException("choice must be 0 or more, not " + choice);
        }
    }

    /** Temperature, nucleus and seed; everything else changes nothing. */
    public SamplingParams(float temperature, float topP, long seed) {
        this(temperature, topP, 0, 0, Penalties.NONE, Map.of(), seed, 0);
    }

    /** The likeliest token each time. */
    public static SamplingParams greedy() {
        return new SamplingParams(0, 1, 0);
    }

    /** Whether logits are to be changed before a token is chosen. */
    boolean adjusts() {
        return !penalties.none() || !bias.isEmpty();
    }

    /** Written so that NaN fails too. */
    private static void requireRange(String name, float value, float least, float most) {
        if (!(value >= least && value <= most)) {
            throw new IllegalArgumentException("%s must be %.0f to %.0f, not %s".formatted(name, least, most, value));
        }
    }
}
