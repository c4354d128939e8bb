package io.altiplano.gateway.chat;

import java.util.Map;
import java.util.OptionalLong;

/**
 * How a request wants tokens chosen, every value in its range.
 *
 * @param temperature 0 to 2
 * @param topP above 0, at most 1
 * @param topK extension: of so many of the likeliest alone; 0: of all
 * @param minP extension: none below this share of the likeliest one's probability; 0 to 1
 * @param presencePenalty -2 to 2, off the logit of each token that the answer has
 * @param frequencyPenalty -2 to 2, off it as often as the answer has it
 * @param repetitionPenalty extension: above 0, at most 10; 1 is none
 * @param logitBias by token id, -100 to 100
 * @param seed of the noise
 */
public record TokenChoice(
        float temperature,
        float topP,
        int topK,
        float minP,
        float presencePenalty,
        float frequencyPenalty,
        float repetitionPenalty,
        Map<Integer, Float> logitBias,
        OptionalLong seed) {
    public TokenChoice {
        logitBias = Map.copyOf(logitBias);
    }
}
