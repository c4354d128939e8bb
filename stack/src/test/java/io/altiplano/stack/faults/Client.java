package io.altiplano.stack.faults;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIException;
import com.openai.errors.OpenAIIoException;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import io.altiplano.tokenizer.ChatEncoder;
import io.altiplano.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A tenant's client: the official library, which counts one {@code logprobs} entry a token and tokenizes its prompt itself.
 * It never retries by itself and never reads {@code usage}, so that what it says is its own observation.
 */
final class Client implements AutoCloseable {
    private static final String ID = "chatcmpl-";

    private final String tenant;
    private final OpenAIClient client;
    private final PromptCounter counter;

    /** How long prompts are, by a tokenizer that the client loaded itself. */
    static final class PromptCounter {
        private final ChatEncoder encoder;
        private final Map<Integer, Integer> known = new ConcurrentHashMap<>();

        PromptCounter(Path modelDir) {
            encoder = ChatEncoder.load(modelDir, Tokenizer.load(modelDir));
        }

        int of(Question question) {
            return known.computeIfAbsent(
                    question.number(), n -> encoder.encode(question.messages(), List.of(), true).length);
        }
    }

    Client(String baseUrl, String tenant, String key, PromptCounter counter) {
        this.tenant = tenant;
        this.counter = counter;
        client = OpenAIOkHttpClient.builder()
                .baseUrl(baseUrl)
                .apiKey(key)
                .maxRetries(0)
                .timeout(Duration.ofSeconds(90))
                .build();
    }

    String tenant() {
        return tenant;
    }

    /** Asks and waits for the whole answer. */
    Seen ask(Question question) {
        return ask(question, null, false);
    }

    /**
     * Asks and waits for the whole answer.
     *
     * @param key the request's Idempotency-Key, if any
     * @param flex whether as batch work
     */
    Seen ask(Question question, @Nullable String key, boolean flex) {
        Course course = new Course(question, key, false);
        try {
            ChatCompletion answer = client.chat().completions().create(question.request(key, flex));
            ChatCompletion.Choice choice = answer.choices().getFirst();
            course.job = answer.id().substring(ID.length());
            course.text.append(choice.message().content().orElse(""));
            course.tokens =
                    choice.logprobs().orElseThrow().content().orElse(List.of()).size();
            course.firstNanos = System.nanoTime();
            return course.over(Seen.End.WHOLE);
        } catch (OpenAIException e) {
            return course.failed(e);
        }
    }

    /**
     * Streams.
     *
     * @param leaveAfter tokens after which the client hangs up; {@link Integer#MAX_VALUE}: never
     * @param pauseMillis how long it does something else after each chunk
     */
    Seen stream(Question question, int leaveAfter, long pauseMillis) {
        return stream(question, null, false, leaveAfter, pauseMillis);
    }

    /**
     * Streams.
     *
     * @param key the request's Idempotency-Key, if any
     * @param flex whether as batch work
     * @param leaveAfter tokens after which the client hangs up; {@link Integer#MAX_VALUE}: never
     * @param pauseMillis how long it does something else after each chunk
     */
    Seen stream(Question question, @Nullable String key, boolean flex, int leaveAfter, long pauseMillis) {
        Course course = new Course(question, key, true);
        try (StreamResponse<ChatCompletionChunk> chunks =
                client.chat().completions().createStreaming(question.request(key, flex))) {
            var all = chunks.stream().iterator();
            while (all.hasNext()) {
                course.add(all.next());
                if (course.tokens >= leaveAfter && !course.finished) {
                    return course.over(Seen.End.LEFT);
                }
                if (pauseMillis > 0) {
                    Thread.sleep(pauseMillis);
                }
            }
            // The library ends its stream at [DONE]; without a finish reason the answer is not whole all the same.
            return course.over(course.finished ? Seen.End.WHOLE : Seen.End.CUT);
        } catch (OpenAIException e) {
            return course.failed(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return course.over(Seen.End.LEFT);
        }
    }

    @Override
    public void close() {
        client.close();
    }

    /** A request under way. */
    private final class Course {
        private final Question question;
        private final @Nullable String key;
        private final boolean stream;
        private final long sentNanos = System.nanoTime();
        private final StringBuilder text = new StringBuilder();
        private @Nullable String job;
        private int tokens;
        private boolean finished;
        private long firstNanos;
        private int status;
        private String code = "";
        private boolean retryAfter;

        Course(Question question, @Nullable String key, boolean stream) {
            this.question = question;
            this.key = key;
            this.stream = stream;
        }

        void add(ChatCompletionChunk chunk) {
            job = chunk.id().substring(ID.length());
            status = 200;
            for (ChatCompletionChunk.Choice choice : chunk.choices()) {
                choice.delta().content().ifPresent(text::append);
                finished |= choice.finishReason().isPresent();
                int came = choice.logprobs()
                        .flatMap(l -> l.content())
                        .orElse(List.of())
                        .size();
                if (came > 0 && firstNanos == 0) {
                    firstNanos = System.nanoTime();
                }
                tokens += came;
            }
        }

        Seen failed(OpenAIException e) {
            if (e instanceof OpenAIServiceException answered) {
                status = answered.statusCode();
                code = answered.code().orElse("");
                retryAfter = !answered.headers().values("retry-after").isEmpty();
                return over(job == null && status >= 400 ? Seen.End.REFUSED : Seen.End.ERROR_EVENT);
            }
            if (e instanceof OpenAIIoException || e.getCause() instanceof IOException) {
                return over(job == null ? Seen.End.UNANSWERED : Seen.End.CUT);
            }
            code = String.valueOf(e.getMessage());
            return over(job == null ? Seen.End.UNANSWERED : Seen.End.CUT);
        }

        Seen over(Seen.End end) {
            return new Seen(
                    tenant,
                    question.number(),
                    key,
                    stream,
                    end,
                    job,
                    end == Seen.End.WHOLE ? 200 : status,
                    code,
                    retryAfter,
                    counter.of(question),
                    tokens,
                    text.toString(),
                    sentNanos,
                    firstNanos,
                    System.nanoTime());
        }
    }
}
