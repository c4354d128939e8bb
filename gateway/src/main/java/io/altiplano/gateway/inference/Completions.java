package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.contracts.v1.TokenLogprob;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.chat.ChatJob;
import io.altiplano.tokenizer.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The JSON of chat completions, whole and in chunks, as the official clients read it. */
final class Completions {
    /** OpenAI writes a probability too small to say as this. */
    private static final double LEAST_LOGPROB = -9999;

    private final ChatJob job;

    Completions(ChatJob job) {
        this.job = job;
    }

    /** One whole answer. */
    record Answer(
            String text, List<TokenOut> tokens, @Nullable ToolCall call, String finishReason) {}

    /** All answers of a request, in order. */
    String whole(List<Answer> answers, Usage usage) {
        ObjectNode body = head("chat.completion");
        ArrayNode choices = body.putArray("choices");
        for (int i = 0; i < answers.size(); i++) {
            Answer answer = answers.get(i);
            ObjectNode choice = choices.addObject();
            choice.put("index", i);
            ObjectNode message = choice.putObject("message");
            message.put("role", "assistant");
            ToolCall call = answer.call();
            if (call == null) {
                message.put("content", answer.text());
            } else {
                message.putNull("content");
                toolCall(message.putArray("tool_calls").addObject(), call);
            }
            message.putNull("refusal");
            logprobs(choice, answer.tokens());
            choice.put("finish_reason", call == null ? answer.finishReason() : "tool_calls");
        }
        usage(body, usage);
        return body.toString();
    }

    /** A request's counts: the prompt is read once, whatever the number of answers; this is what is billed. */
    static Usage sum(List<Usage> answers) {
        Usage.Builder sum = answers.getFirst().toBuilder();
        sum.setCompletionTokens(
                answers.stream().mapToLong(Usage::getCompletionTokens).sum());
        return sum.build();
    }

    /** The first chunk of a stream: the role. */
    String role(int index) {
        ObjectNode choice = JsonNodeFactory.instance.objectNode();
        choice.putObject("delta").put("role", "assistant").put("content", "").putNull("refusal");
        return chunk(index, choice, List.of(), null);
    }

    /** A chunk with text, tokens or both. */
    String content(int index, String text, List<TokenOut> tokens) {
        ObjectNode choice = JsonNodeFactory.instance.objectNode();
        choice.putObject("delta").put("content", text);
        return chunk(index, choice, tokens, null);
    }

    /** The chunk that opens a tool call: index, id, type and name. */
    String callOpened(int index, ToolCall call, List<TokenOut> tokens) {
        ObjectNode choice = JsonNodeFactory.instance.objectNode();
        ObjectNode delta = choice.putObject("delta").putArray("tool_calls").addObject();
        delta.put("index", 0);
        toolCall(delta, new ToolCall(call.id(), call.name(), ""));
        return chunk(index, choice, tokens, null);
    }

    /** The chunk with a tool call's arguments. */
    String callArguments(int index, ToolCall call) {
        ObjectNode choice = JsonNodeFactory.instance.objectNode();
        ObjectNode delta = choice.putObject("delta").putArray("tool_calls").addObject();
        delta.put("index", 0);
        delta.putObject("function").put("arguments", call.arguments());
        return chunk(index, choice, List.of(), null);
    }

    /** The chunk that ends the choice. */
    String finish(int index, String finishReason) {
        ObjectNode choice = JsonNodeFactory.instance.objectNode();
        choice.putObject("delta");
        return chunk(index, choice, List.of(), finishReason);
    }

    /** The last chunk, for those who asked for it: no choices, the counts. */
    String usageChunk(Usage usage) {
        ObjectNode body = head("chat.completion.chunk");
        body.putArray("choices");
        usage(body, usage);
        return body.toString();
    }

    private String chunk(int index, ObjectNode choice, List<TokenOut> tokens, @Nullable String finishReason) {
        ObjectNode body = head("chat.completion.chunk");
        choice.put("index", index);
        if (tokens.isEmpty()) {
            choice.putNull("logprobs");
        } else {
            logprobs(choice, tokens);
        }
        choice.put("finish_reason", finishReason);
        body.putArray("choices").add(choice);
        if (job.request().includeUsage()) {
            body.putNull("usage");
        }
        return body.toString();
    }

    private ObjectNode head(String object) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", "chatcmpl-" + job.id())
                .put("object", object)
                .put("created", job.createdSeconds())
                .put("model", job.request().model());
    }

    private static void toolCall(ObjectNode node, ToolCall call) {
        node.put("id", call.id()).put("type", "function");
        node.putObject("function").put("name", call.name()).put("arguments", call.arguments());
    }

    private static void usage(ObjectNode body, Usage usage) {
        ObjectNode node = body.putObject("usage");
        node.put("prompt_tokens", usage.getPromptTokens());
        node.put("completion_tokens", usage.getCompletionTokens());
        node.put("total_tokens", usage.getPromptTokens() + usage.getCompletionTokens());
        node.putObject("prompt_tokens_details").put("cached_tokens", usage.getCachedTokens());
    }

    /** One entry a token, so that a client can count for itself. */
    private void logprobs(ObjectNode choice, List<TokenOut> tokens) {
        if (!job.request().logprobs()) {
            choice.putNull("logprobs");
            return;
        }
        ObjectNode logprobs = choice.putObject("logprobs");
        ArrayNode content = logprobs.putArray("content");
        logprobs.putNull("refusal");
        for (TokenOut token : tokens) {
            ObjectNode entry = content.addObject();
            entry(entry, token.getId(), token.getLogprob());
            ArrayNode top = entry.putArray("top_logprobs");
            for (TokenLogprob other : token.getTopList()) {
                entry(top.addObject(), other.getId(), other.getLogprob());
            }
        }
    }

    /** A special token has a name and no bytes: it is not part of the text. */
    private void entry(ObjectNode entry, int id, float logprob) {
        Tokenizer tokenizer = job.tokenizer();
        boolean known = id >= 0 && id < tokenizer.vocabularySize();
        entry.put("token", known ? tokenizer.text(id) : "");
        entry.put("logprob", Float.isFinite(logprob) ? (double) logprob : LEAST_LOGPROB);
        if (known && !tokenizer.isSpecial(id)) {
            ArrayNode bytes = entry.putArray("bytes");
            for (byte b : tokenizer.bytes(id)) {
                bytes.add(b & 0xff);
            }
        } else {
            entry.putNull("bytes");
        }
    }
}
