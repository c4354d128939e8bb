package io.altiplano.stack.journey;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import io.altiplano.stack.platform.Demo;
import java.time.Duration;
import java.util.List;

/**
 * What a client of the official library was told of one answer.
 *
 * @param id chatcmpl-...
 * @param text the whole answer
 * @param counted entries of logprobs.content: the client's own count of tokens
 * @param promptTokens by the usage field
 * @param completionTokens by the usage field
 * @param finishReason stop or length
 */
record Told(String id, String text, int counted, long promptTokens, long completionTokens, String finishReason) {
    static OpenAIClient client(Platform platform, String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(platform.baseUrl())
                .apiKey(key)
                .maxRetries(0)
                .timeout(Duration.ofMinutes(5))
                .build();
    }

    /** A seeded question at temperature 0.9, each token with its log-probability. */
    static ChatCompletionCreateParams question(String prompt, long seed, int minTokens, int maxTokens) {
        return ChatCompletionCreateParams.builder()
                .model(Demo.MODEL)
                .addUserMessage(prompt)
                .temperature(0.9)
                .seed(seed)
                .maxTokens(maxTokens)
                .logprobs(true)
                .putAdditionalBodyProperty("min_tokens", JsonValue.from(minTokens))
                .build();
    }

    static Told ask(OpenAIClient client, ChatCompletionCreateParams question) {
        ChatCompletion answer = client.chat().completions().create(question);
        ChatCompletion.Choice choice = answer.choices().getFirst();
        var usage = answer.usage().orElseThrow();
        return new Told(
                answer.id(),
                choice.message().content().orElse(""),
                choice.logprobs().orElseThrow().content().orElse(List.of()).size(),
                usage.promptTokens(),
                usage.completionTokens(),
                choice.finishReason().asString());
    }

    static Told stream(OpenAIClient client, ChatCompletionCreateParams question) {
        return stream(client, question, (job, counted) -> {});
    }

    /** Is told how many tokens came so far, after each chunk that brought some. */
    interface Progress {
        void came(String jobId, int counted);
    }

    /** Streams, telling the listener how far it is. */
    static Told stream(OpenAIClient client, ChatCompletionCreateParams question, Progress listener) {
        ChatCompletionCreateParams streaming = question.toBuilder()
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        Collector collector = new Collector();
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(streaming)) {
            chunks.stream().forEach(chunk -> {
                int before = collector.counted;
                collector.add(chunk);
                if (collector.counted > before) {
                    listener.came(collector.id.substring("chatcmpl-".length()), collector.counted);
                }
            });
        }
        return collector.told();
    }

    private static final class Collector {
        private final StringBuilder text = new StringBuilder();
        private String id = "";
        private String finish = "";
        private int counted;
        private long prompt = -1;
        private long completion = -1;

        void add(ChatCompletionChunk chunk) {
            id = chunk.id();
            for (ChatCompletionChunk.Choice choice : chunk.choices()) {
                choice.delta().content().ifPresent(text::append);
                choice.finishReason().ifPresent(f -> finish = f.asString());
                counted += choice.logprobs()
                        .flatMap(l -> l.content())
                        .orElse(List.of())
                        .size();
            }
            chunk.usage().ifPresent(u -> {
                prompt = u.promptTokens();
                completion = u.completionTokens();
            });
        }

        Told told() {
            return new Told(id, text.toString(), counted, prompt, completion, finish);
        }
    }
}
