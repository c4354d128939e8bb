package io.altiplano.gateway.chat;

import io.altiplano.tokenizer.Tokenizer;
import java.util.Map;

/**
 * An accepted chat request.
 *
 * @param request what was asked
 * @param choices its answers
 * @param tokenizer of the model, to show tokens by
 * @param headers of the answer: the plan's limits
 */
public record ChatJob(ChatRequest request, Choices choices, Tokenizer tokenizer, Map<String, String> headers) {
    public ChatJob {
        headers = Map.copyOf(headers);
    }

    /** The id of the first answer's job, which names the request. */
    public String id() {
        return choices.first().id().toString();
    }

    /** When the job was submitted, seconds of the Unix epoch. */
    public long createdSeconds() {
        return choices.first().id().submittedAtMillis() / 1000;
    }
}
