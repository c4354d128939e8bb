package io.altiplano.gateway.chat;

import io.altiplano.gateway.job.JobStream;
import io.altiplano.tokenizer.Tokenizer;
import java.util.Map;

/**
 * An accepted chat request.
 *
 * @param request what was asked
 * @param stream its answer
 * @param tokenizer of the model, to show tokens by
 * @param headers of the answer: the plan's limits
 */
public record ChatJob(ChatRequest request, JobStream stream, Tokenizer tokenizer, Map<String, String> headers) {
    public ChatJob {
        headers = Map.copyOf(headers);
    }

    /** When the job was submitted, seconds of the Unix epoch. */
    public long createdSeconds() {
        return stream.id().submittedAtMillis() / 1000;
    }
}
