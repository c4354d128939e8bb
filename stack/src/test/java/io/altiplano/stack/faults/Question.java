package io.altiplano.stack.faults;

import com.openai.core.JsonValue;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.altiplano.stack.platform.Demo;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A seeded question: the same one has the same answer, whoever asks, whatever breaks meanwhile.
 *
 * @param number its place among the questions
 * @param prompt the user's message
 * @param seed of the sampling
 * @param least tokens of the answer at least
 * @param most tokens of the answer at most
 */
record Question(int number, String prompt, long seed, int least, int most) {
    private static final List<String> PROMPTS = List.of(
            "What is your name?",
            "Tell me a long story about a river.",
            "Which is larger, 9.11 or 9.9?",
            "Tell me about a mountain village.",
            "Write a short letter to a friend about the rain.",
            "What do you like to do on a quiet day?");
    /** What a request's stop string begins with that is its key. */
    static final String KEY = "\u2020";

    private static final int[] LEAST = {4, 40, 120, 12, 300, 80};

    /** All there are: each prompt with two lengths. */
    static List<Question> all() {
        return IntStream.range(0, 2 * PROMPTS.size())
                .mapToObj(i -> new Question(
                        i,
                        PROMPTS.get(i % PROMPTS.size()),
                        1_000 + i,
                        LEAST[(i * 5 + i / PROMPTS.size()) % LEAST.length],
                        LEAST[(i * 5 + i / PROMPTS.size()) % LEAST.length] + 20))
                .toList();
    }

    /**
     * As a request: at temperature 0.9, each token with its log-probability.
     *
     * @param key the Idempotency-Key it carries, if any
     * @param flex whether as batch work, which gives way to others
     */
    ChatCompletionCreateParams request(@Nullable String key, boolean flex) {
        ChatCompletionCreateParams.Builder request = ChatCompletionCreateParams.builder()
                .model(Demo.MODEL)
                .addUserMessage(prompt)
                .temperature(0.9)
                .seed(seed)
                .maxTokens(most)
                .logprobs(true)
                .putAdditionalBodyProperty("min_tokens", JsonValue.from(least));
        if (key != null) {
            request.putAdditionalHeader("Idempotency-Key", key);
            // No answer has it. So the job tells whose it is, also one of which no client ever learns.
            request.stop(KEY + key);
        }
        if (flex) {
            request.serviceTier(ChatCompletionCreateParams.ServiceTier.FLEX);
        }
        return request.build();
    }

    /** As the chat template's messages. */
    List<Map<String, Object>> messages() {
        return List.of(Map.of("role", "user", "content", prompt));
    }
}
