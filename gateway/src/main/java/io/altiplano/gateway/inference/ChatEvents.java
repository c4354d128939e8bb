package io.altiplano.gateway.inference;

import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.gateway.chat.ChatJob;
import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.web.ErrorBody;
import io.altiplano.gateway.web.EventSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A job's answer as server-sent events: a chunk with the role, chunks of content, a finish, the counts if asked for,
 * {@code [DONE]}. All that a drain finds becomes one chunk.
 *
 * <p>Where tools were offered, an answer that begins like a call is held back until it is whole: only then is it known
 * whether it is a call or content.
 */
final class ChatEvents implements EventSource {
    private final ChatJob job;
    private final Completions completions;
    private final String requestId;

    private final StringBuilder text = new StringBuilder();
    private final List<TokenOut> tokens = new ArrayList<>();
    private boolean started;
    private boolean holding;

    ChatEvents(ChatJob job, String requestId) {
        this.job = job;
        this.completions = new Completions(job);
        this.requestId = requestId;
        this.holding = !job.request().toolNames().isEmpty();
    }

    @Override
    public void start(Runnable signal) {
        job.stream().onReady(signal);
    }

    @Override
    public boolean drain(StringBuilder out) {
        if (!started) {
            started = true;
            event(out, completions.role());
        }
        for (JobEvent next : job.stream().drain()) {
            switch (next) {
                case JobEvent.Delta delta -> {
                    text.append(delta.text());
                    tokens.addAll(delta.tokens());
                }
                case JobEvent.Completed completed -> {
                    end(out, completed);
                    return true;
                }
                case JobEvent.Failed failed -> {
                    flush(out);
                    event(out, ErrorBody.midStream(JobFailures.error(failed), requestId));
                    return true;
                }
            }
        }
        if (holding && !ToolCall.mayBecomeCall(text.toString())) {
            holding = false;
        }
        if (!holding) {
            flush(out);
        }
        return false;
    }

    private void end(StringBuilder out, JobEvent.Completed completed) {
        Optional<ToolCall> call =
                holding ? ToolCall.parse(text.toString(), job.request().toolNames()) : Optional.empty();
        if (call.isPresent()) {
            event(out, completions.callOpened(call.get(), tokens));
            event(out, completions.callArguments(call.get()));
            event(out, completions.finish("tool_calls"));
        } else {
            flush(out);
            event(out, completions.finish(completed.finishReason()));
        }
        if (job.request().includeUsage()) {
            event(out, completions.usageChunk(completed.usage()));
        }
        event(out, "[DONE]");
    }

    /** Without logprobs a chunk of tokens whose text is not certain yet would say nothing. */
    private void flush(StringBuilder out) {
        boolean tells = !text.isEmpty() || (!tokens.isEmpty() && job.request().logprobs());
        if (tells) {
            event(out, completions.content(text.toString(), tokens));
        }
        text.setLength(0);
        tokens.clear();
    }

    private static void event(StringBuilder out, String data) {
        out.append("data: ").append(data).append("\n\n");
    }

    @Override
    public void abandoned(String reason) {
        job.stream().cancel(reason);
    }
}
