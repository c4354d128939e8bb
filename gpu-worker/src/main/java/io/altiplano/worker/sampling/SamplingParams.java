package io.altiplano.worker.sampling;

/**
 * How tokens are chosen.
 *
 * @param temperature 0 (greedy) to 2
 * @param topP the nucleus' probability, in (0, 1]
 * @param seed the noise's key
 */
public record SamplingParams(float temperature, float topP, long seed) {
    public SamplingParams {
        if (!(temperature >= 0 && temperature <= 2)) {
            throw new IllegalArgumentException("temperature must be 0 to 2, not " + temperature);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new IllegalArgumentException("top_p must be above 0 and at most 1, not " + topP);
        }
    }

    /** The likeliest token each time. */
    public static SamplingParams greedy() {
        return new SamplingParams(0, 1, 0);
    }
}
