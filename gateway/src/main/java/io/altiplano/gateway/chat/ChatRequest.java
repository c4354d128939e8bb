package io.altiplano.gateway.chat;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A chat completion request whose values are all in their ranges.
 *
 * @param model the model's id
 * @param messages as the chat template takes them: {@code role}, {@code content}, {@code tool_calls} with their arguments
 *     as objects; never empty
 * @param tools tool definitions offered to the model; empty where there are none or {@code tool_choice} is "none"
 * @param toolNames the functions' names among {@code tools}
 * @param maxTokens longest answer asked for
 * @param minTokens extension: no end before this many tokens
 * @param n answers wanted, 1 to {@value #MOST_CHOICES}
 * @param choice how tokens are chosen
 * @param stop at most 4 strings, none empty
 * @param logprobs whether each token's log-probability is wanted
 * @param topLogprobs alternatives beside each, 0 to 20
 * @param stream whether the answer is wanted as events
 * @param includeUsage whether a last event with the counts is wanted
 * @param flex whether it may wait and give way to others: OpenAI's service tier of that name
 * @param endUser how the caller names its end user, for estimates alone; null where it does not
 */
public record ChatRequest(
        String model,
        List<Map<String, Object>> messages,
        List<Map<String, Object>> tools,
        Set<String> toolNames,
        OptionalInt maxTokens,
        int minTokens,
        int n,
        TokenChoice choice,
        List<String> stop,
        boolean logprobs,
        int topLogprobs,
        boolean stream,
        boolean includeUsage,
        boolean flex,
        @Nullable String endUser) {
    /** Each answer is a job: a request may not take a whole worker. */
    public static final int MOST_CHOICES = 8;

    public ChatRequest {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        toolNames = Set.copyOf(toolNames);
        stop = List.copyOf(stop);
    }
}
