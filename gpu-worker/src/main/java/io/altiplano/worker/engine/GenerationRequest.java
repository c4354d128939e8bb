package io.altiplano.worker.engine;

import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.sampling.SamplingParams;
import io.altiplano.worker.sampling.TokenLogprobs;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to generate.
 *
 * @param prompt token ids, at least one
 * @param relayed tokens of the answer that an earlier attempt generated and the client has; empty on the first attempt
 * @param relayedTextLength UTF-16 units of the answer's text that the client has
 * @param sampling how tokens are chosen
 * @param maxTokens most tokens of the whole answer, relayed ones counted; at least 1
 * @param minTokens end tokens and stop strings are not honoured before so many
 * @param stop strings that end the answer and are no part of it
 * @param topLogprobs alternatives to report with each token, 0 to 20; -1 for no log-probabilities at all
 * @param adapter what the model is adapted by; null for nothing
 * @param salt of those whose requests may share keys and values of equal beginnings; empty to share with nobody
 * @param labels what others call the prompt's full 16-token blocks, in order; reported by {@link Engine#prefixDigest}
 * @param yields whether it gives way to requests that do not: nobody waits for its tokens one by one
 */
public record GenerationRequest(
        int[] prompt,
        int[] relayed,
        int relayedTextLength,
        SamplingParams sampling,
        int maxTokens,
        int minTokens,
        List<String> stop,
        int topLogprobs,
        @Nullable LoraAdapter adapter,
        String salt,
        long[] labels,
        boolean yields) {
    /** Without an adapter, sharing with nobody. */
    public GenerationRequest(
            int[] prompt,
            int[] relayed,
            int relayedTextLength,
            SamplingParams sampling,
            int maxTokens,
            int minTokens,
            List<String> stop,
            int topLogprobs) {
        this(
                prompt,
                relayed,
                relayedTextLength,
                sampling,
                maxTokens,
                minTokens,
                stop,
                topLogprobs,
                null,
                "",
                new long[0],
                false);
    }

    public GenerationRequest {
        stop = List.copyOf(stop);
        require(prompt.length > 0, "prompt has no tokens");
        require(maxTokens >= 1, "max_tokens must be at least 1, not " + maxTokens);
        require(minTokens >= 0 && minTokens <= maxTokens, "min_tokens must be 0 to max_tokens, not " + minTokens);
        require(relayed.length <= maxTokens, "more tokens were relayed than max_tokens allows");
        require(relayedTextLength >= 0, "relayed text length must not be negative");
        require(topLogprobs <= TokenLogprobs.MOST, "top_logprobs must be at most " + TokenLogprobs.MOST);
    }

    /** A first attempt. */
    public static GenerationRequest of(int[] prompt, SamplingParams sampling, int maxTokens) {
        return new GenerationRequest(prompt, new int[0], 0, sampling, maxTokens, 0, List.of(), -1);
    }

    /** The same through an adapter. */
    public GenerationRequest adapted(@Nullable LoraAdapter by) {
        return new GenerationRequest(
                prompt,
                relayed,
                relayedTextLength,
                sampling,
                maxTokens,
                minTokens,
                stop,
                topLogprobs,
                by,
                salt,
                labels,
                yields);
    }

    /** The same, sharing with those of a salt. */
    public GenerationRequest salted(String with) {
        return new GenerationRequest(
                prompt,
                relayed,
                relayedTextLength,
                sampling,
                maxTokens,
                minTokens,
                stop,
                topLogprobs,
                adapter,
                with,
                labels,
                yields);
    }

    /** The same with what others call its prompt's blocks. */
    public GenerationRequest labelled(long[] by) {
        return new GenerationRequest(
                prompt,
                relayed,
                relayedTextLength,
                sampling,
                maxTokens,
                minTokens,
                stop,
                topLogprobs,
                adapter,
                salt,
                by,
                yields);
    }

    /** The same, giving way to those that do not, or not. */
    public GenerationRequest yielding(boolean gives) {
        return new GenerationRequest(
                prompt,
                relayed,
                relayedTextLength,
                sampling,
                maxTokens,
                minTokens,
                stop,
                topLogprobs,
                adapter,
                salt,
                labels,
                gives);
    }

    /** Whether log-probabilities are wanted. */
    public boolean logprobs() {
        return topLogprobs >= 0;
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
