package io.altiplano.gateway.inference;

import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.chat.ChatJob;
import io.altiplano.gateway.chat.Choices;
import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.web.ErrorBody;
import io.altiplano.gateway.web.EventSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A request's answers as server-sent events: for each a chunk with the role, chunks of content, a finish; then the counts if
 * asked for, {@code [DONE]}. Chunks of several answers come as they come, told apart by their index. All that a drain finds of an
 * answer becomes one chunk.
 *
 * <p>Where tools were offered, an answer that begins like a call is held back until it is whole: only then is it known
 * whether it is a call or content.
 */
final class ChatEvents implements EventSource {
    private final ChatJob job;
    private final Completions completions;
    private final String requestId;
    private final List<Choice> choices;
    private boolean started;

    ChatEvents(ChatJob job, String requestId) {
        this.job = job;
        this.completions = new Completions(job);
        this.requestId = requestId;
        this.choices =
                IntStream.range(0, job.choices().count()).mapToObj(Choice::new).toList();
    }

    @Override
    public void start(Runnable signal) {
        job.choices().onReady(signal);
    }

    @Override
    public boolean drain(StringBuilder out) {
        if (!started) {
            started = true;
            choices.forEach(choice -> event(out, completions.role(choice.index)));
        }
        for (Choices.Event next : job.choices().drain()) {
            Choice choice = choices.get(next.choice());
            switch (next.event()) {
                case JobEvent.Delta delta -> {
                    choice.text.append(delta.text());
                    choice.tokens.addAll(delta.tokens());
                }
                case JobEvent.Completed completed -> choice.end(out, completed);
                case JobEvent.Failed failed -> {
                    choices.forEach(each -> each.flush(out));
                    event(out, ErrorBody.midStream(JobFailures.error(failed), requestId));
                    return true;
                }
            }
        }
        choices.forEach(choice -> choice.tell(out));
        return ended(out);
    }

    /** Tells the counts and the end once every answer is whole. */
    private boolean ended(StringBuilder out) {
        if (choices.stream().anyMatch(choice -> choice.usage == null)) {
            return false;
        }
        if (job.request().includeUsage()) {
            List<Usage> usages = choices.stream()
                    .map(choice -> Objects.requireNonNull(choice.usage))
                    .toList();
            event(out, completions.usageChunk(Completions.sum(usages)));
        }
        event(out, "[DONE]");
        return true;
    }

    /** One answer: what of it was not told yet. */
    private final class Choice {
        private final int index;
        private final StringBuilder text = new StringBuilder();
        private final List<TokenOut> tokens = new ArrayList<>();
        private boolean holding = !job.request().toolNames().isEmpty();
        private @Nullable Usage usage;

        Choice(int index) {
            this.index = index;
        }

        private void tell(StringBuilder out) {
            if (holding && !ToolCall.mayBecomeCall(text.toString())) {
                holding = false;
            }
            if (!holding) {
                flush(out);
            }
        }

        private void end(StringBuilder out, JobEvent.Completed completed) {
            Optional<ToolCall> call =
                    holding ? ToolCall.parse(text.toString(), job.request().toolNames()) : Optional.empty();
            if (call.isPresent()) {
                event(out, completions.callOpened(index, call.get(), tokens));
                event(out, completions.callArguments(index, call.get()));
                event(out, completions.finish(index, "tool_calls"));
                clear();
            } else {
                flush(out);
                event(out, completions.finish(index, completed.finishReason()));
            }
            usage = completed.usage();
        }

        /** Without logprobs a chunk of tokens whose text is not certain yet would say nothing. */
        private void flush(StringBuilder out) {
            boolean tells =
                    !text.isEmpty() || (!tokens.isEmpty() && job.request().logprobs());
            if (tells) {
                event(out, completions.content(index, text.toString(), tokens));
            }
            clear();
        }

        private void clear() {
            text.setLength(0);
            tokens.clear();
        }
    }

    private static void event(StringBuilder out, String data) {
        out.append("data: ").append(data).append("\n\n");
    }

    @Override
    public void abandoned(String reason) {
        job.choices().cancel(reason);
    }
}
