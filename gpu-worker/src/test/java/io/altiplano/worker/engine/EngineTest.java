package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.altiplano.worker.TinyModels;
import io.altiplano.worker.engine.Answers.Answer;
import io.altiplano.worker.sampling.SamplingParams;
import io.altiplano.worker.sampling.SamplingParams.Penalties;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineTest {
    static final SamplingParams LIVELY = new SamplingParams(0.9f, 1, 7);

    private static @Nullable Path dir;
    private static @Nullable ServedModel opened;

    @BeforeAll
    static void open(@TempDir Path temporary) {
        dir = TinyModels.write(temporary.resolve("tiny"));
        opened = TinyModels.open(dir, new EngineOptions(64, 2048, 256));
    }

    @AfterAll
    static void close() {
        Objects.requireNonNull(opened).close();
    }

    @AfterEach
    void nothing_is_left_over_when_idle() throws InterruptedException {
        Answers.run(engine(), GenerationRequest.of(new int[] {1}, LIVELY, 1));
        // An engine that is idle with a block held stops with an error.
        assertThat(engine().isAlive()).isTrue();
        assertThat(engine().freeBlocks()).isGreaterThanOrEqualTo(engine().totalBlocks() - 1);
    }

    private static Engine engine() {
        return Objects.requireNonNull(opened).engine();
    }

    @Test
    void fifty_at_once_are_each_what_they_are_alone() throws InterruptedException {
        List<GenerationRequest> requests =
                IntStream.range(0, 50).mapToObj(EngineTest::varied).toList();
        List<Answer> alone = new ArrayList<>();
        for (GenerationRequest request : requests) {
            alone.add(Answers.run(engine(), request));
        }

        List<Answers> submitted =
                requests.stream().map(r -> Answers.submit(engine(), r)).toList();

        for (int i = 0; i < submitted.size(); i++) {
            assertSame(submitted.get(i).await(), alone.get(i));
        }
    }

    @Test
    void preempted_ones_are_what_they_are_in_peace() throws InterruptedException {
        List<GenerationRequest> requests =
                IntStream.range(0, 8).mapToObj(EngineTest::varied).toList();
        AtomicLong preemptions = new AtomicLong();
        EngineOptions narrow = new EngineOptions(8, 10, 16);
        try (ServedModel small = ModelStore.open(
                "narrow",
                Objects.requireNonNull(dir),
                TinyModels.options(),
                narrow,
                (model, report) -> preemptions.set(report.preemptions()))) {
            List<Answers> submitted = requests.stream()
                    .map(r -> Answers.submit(small.engine(), r))
                    .toList();
            for (int i = 0; i < submitted.size(); i++) {
                assertSame(submitted.get(i).await(), Answers.run(engine(), requests.get(i)));
            }
        }
        assertThat(preemptions).hasPositiveValue();
    }

    @Test
    void an_engine_that_has_stopped_takes_nothing_that_would_never_be_answered() {
        ServedModel stopped = ModelStore.open(
                "stopped",
                Objects.requireNonNull(dir),
                TinyModels.options(),
                new EngineOptions(8, 10, 16),
                (model, report) -> {});
        stopped.close();

        assertThatThrownBy(() -> Answers.submit(stopped.engine(), varied(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("has stopped");
    }

    @Test
    void an_answer_taken_up_again_goes_on_as_the_unbroken_one() throws InterruptedException {
        SamplingParams penalised =
                new SamplingParams(0.9f, 1, 0, 0, new Penalties(0.5f, 0.8f, 1.2f), Map.of(101, 2f), 7, 2);
        GenerationRequest whole = request(prompt(40, 3), penalised, 60, 0, List.of("never there"));
        List<Progress> unbroken = new ArrayList<>();
        Answers answers = Answers.submit(engine(), whole);
        do {
            unbroken.add(answers.next());
        } while (unbroken.getLast().ending() == null);

        for (int relayed : new int[] {1, 2, 17, 31, 32, 33, 59}) {
            Progress next = unbroken.get(relayed);
            int[] tokens = unbroken.subList(0, relayed).stream()
                    .mapToInt(p -> p.tokens().getFirst().id())
                    .toArray();
            Answer rest = Answers.run(engine(), resumed(whole, tokens, next.textOffset()));

            assertThat(rest.tokens())
                    .isEqualTo(unbroken.subList(relayed, unbroken.size()).stream()
                            .map(p -> p.tokens().getFirst().id())
                            .toList());
            assertThat(rest.text())
                    .isEqualTo(unbroken.subList(relayed, unbroken.size()).stream()
                            .map(Progress::text)
                            .reduce("", String::concat));
            assertThat(rest.ending()).isEqualTo(unbroken.getLast().ending());
        }
    }

    @Test
    void text_that_was_certain_but_not_relayed_is_sent_by_the_next_attempt() throws InterruptedException {
        GenerationRequest whole = request(prompt(20, 4), LIVELY, 40, 0, List.of());
        Answer unbroken = Answers.run(engine(), whole);
        int[] relayed = unbroken.tokens().stream().limit(25).mapToInt(t -> t).toArray();

        Answer rest = Answers.run(engine(), resumed(whole, relayed, 3));

        assertThat(rest.text()).isEqualTo(unbroken.text().substring(3));
    }

    @Test
    void an_answer_that_was_relayed_whole_ends_at_once() throws InterruptedException {
        GenerationRequest whole = request(prompt(20, 4), LIVELY, 12, 0, List.of());
        Answer unbroken = Answers.run(engine(), whole);
        int[] all = unbroken.tokens().stream().mapToInt(t -> t).toArray();

        Answer rest = Answers.run(engine(), resumed(whole, all, unbroken.text().length()));

        assertThat(rest.tokens()).isEmpty();
        assertThat(rest.text()).isEmpty();
        assertThat(rest.ending()).isEqualTo(unbroken.ending());
    }

    @Test
    void a_stop_string_over_several_tokens_ends_the_answer_before_it() throws InterruptedException {
        GenerationRequest free = request(prompt(10, 9), LIVELY, 80, 0, List.of());
        String text = Answers.run(engine(), free).text();
        String stop = text.substring(20, 24);
        int at = text.indexOf(stop);

        Answer stopped = Answers.run(engine(), request(prompt(10, 9), LIVELY, 80, 0, List.of("never", stop)));

        assertThat(stopped.text()).isEqualTo(text.substring(0, at));
        assertThat(stopped.ending().reason()).isEqualTo(Ending.Reason.STOP);
        assertThat(stopped.ending().completionTokens())
                .isEqualTo(stopped.tokens().size())
                .isLessThan(80);
    }

    @Test
    void text_that_may_become_a_stop_string_is_held_back_and_let_go() throws InterruptedException {
        GenerationRequest free = request(prompt(10, 9), LIVELY, 30, 0, List.of());
        String text = Answers.run(engine(), free).text();
        String nearly = text.substring(8, 12) + "\u0001never";

        Answer answer = Answers.run(engine(), request(prompt(10, 9), LIVELY, 30, 0, List.of(nearly)));

        assertThat(answer.text()).isEqualTo(text);
        assertThat(answer.ending().reason()).isEqualTo(Ending.Reason.LENGTH);
    }

    @Test
    void an_end_token_is_counted_has_no_text_and_waits_for_min_tokens() throws InterruptedException {
        GenerationRequest early = null;
        Answer ended = null;
        for (long seed = 0; seed < 200 && ended == null; seed++) {
            GenerationRequest candidate = request(prompt(12, 5), new SamplingParams(2, 1, seed), 100, 0, List.of());
            Answer answer = Answers.run(engine(), candidate);
            if (answer.ending().reason() == Ending.Reason.STOP
                    && answer.tokens().size() < 50) {
                early = candidate;
                ended = answer;
            }
        }
        assertThat(ended).as("a seed whose answer ends early").isNotNull();
        assertThat(Objects.requireNonNull(ended).tokens().getLast()).isIn(257, 258);
        assertThat(ended.ending().completionTokens()).isEqualTo(ended.tokens().size());

        Answer longer = Answers.run(
                engine(), request(prompt(12, 5), Objects.requireNonNull(early).sampling(), 100, 60, List.of()));

        int before = ended.tokens().size() - 1;
        assertThat(longer.tokens().subList(0, before)).isEqualTo(ended.tokens().subList(0, before));
        assertThat(longer.tokens().subList(0, 60)).doesNotContain(257, 258);
        assertThat(longer.tokens()).hasSizeGreaterThanOrEqualTo(61);
    }

    @Test
    void stop_strings_are_not_honoured_before_min_tokens() throws InterruptedException {
        String text = Answers.run(engine(), request(prompt(10, 9), LIVELY, 80, 0, List.of()))
                .text();
        List<String> everything = text.codePoints()
                .distinct()
                .mapToObj(Character::toString)
                .limit(4)
                .toList();

        Answer answer = Answers.run(engine(), request(prompt(10, 9), LIVELY, 80, 70, everything));

        assertThat(answer.tokens()).hasSizeGreaterThanOrEqualTo(70);
    }

    @Test
    void log_probabilities_are_reported_for_each_token() throws InterruptedException {
        GenerationRequest asked =
                new GenerationRequest(prompt(10, 1), new int[0], 0, SamplingParams.greedy(), 10, 0, List.of(), 5);
        Answer answer = Answers.run(engine(), asked);
        assertThat(answer.detailed()).allSatisfy(token -> {
            var logprobs = Objects.requireNonNull(token.logprobs());
            assertThat(logprobs.topIds()).hasSize(5);
            assertThat(logprobs.topIds()[0]).isEqualTo(token.id());
            assertThat(logprobs.chosen())
                    .isCloseTo(logprobs.topLogprobs()[0], within(0f))
                    .isNegative();
        });
    }

    @Test
    void cancelling_takes_effect_before_the_next_step_and_tells_the_counts() throws InterruptedException {
        GenerationRequest lengthy = request(prompt(30, 2), LIVELY, 400, 400, List.of());
        Answers answers = new Answers(lengthy);
        AtomicReference<Generation> generation = new AtomicReference<>();
        CountDownLatch known = new CountDownLatch(1);
        generation.set(engine().submit(lengthy, progress -> {
            answers.progressed(progress);
            awaitLatch(known);
            Objects.requireNonNull(generation.get()).cancel();
        }));
        known.countDown();

        Answer answer = answers.await();

        assertThat(answer.tokens()).hasSize(1);
        assertThat(answer.ending()).isEqualTo(new Ending(Ending.Reason.CANCELLED, 30, 1, 0, ""));
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void one_listeners_fault_is_no_others() throws InterruptedException {
        GenerationRequest request = request(prompt(10, 1), LIVELY, 20, 0, List.of());
        Answer before = Answers.run(engine(), request);
        engine().submit(request, progress -> {
            throw new IllegalStateException("a listener that fails");
        });
        assertSame(Answers.run(engine(), request), before);
    }

    @Test
    void what_can_never_run_is_refused_by_code() {
        assertThat(engine().refuse(GenerationRequest.of(prompt(400, 1), LIVELY, 113)))
                .map(Refusal::code)
                .contains(Refusal.Code.CONTEXT_LENGTH_EXCEEDED);
        assertThat(engine().refuse(GenerationRequest.of(prompt(400, 1), LIVELY, 112)))
                .isEmpty();
        assertThat(engine().refuse(GenerationRequest.of(new int[] {259}, LIVELY, 1)))
                .map(Refusal::code)
                .contains(Refusal.Code.INVALID_TOKENS);
        SamplingParams biased = new SamplingParams(1, 1, 0, 0, Penalties.NONE, Map.of(259, 1f), 0, 0);
        assertThat(engine().refuse(GenerationRequest.of(prompt(4, 1), biased, 1)))
                .map(Refusal::message)
                .hasValueSatisfying(message -> assertThat(message).contains("logit_bias names token 259"));
        assertThatThrownBy(() -> engine().submit(GenerationRequest.of(new int[] {-1}, LIVELY, 1), p -> {}))
                .isInstanceOf(IllegalArgumentException.class);
    }

    static void assertSame(Answer actual, Answer expected) {
        assertThat(actual.tokens()).isEqualTo(expected.tokens());
        assertThat(actual.text()).isEqualTo(expected.text());
        assertThat(actual.ending()).isEqualTo(expected.ending());
    }

    static GenerationRequest varied(int i) {
        SamplingParams sampling = new SamplingParams(
                i % 5 == 0 ? 0 : 0.5f + 0.02f * i,
                i % 3 == 0 ? 0.9f : 1,
                i % 7 == 0 ? 40 : 0,
                i % 6 == 0 ? 0.02f : 0,
                i % 2 == 0 ? Penalties.NONE : new Penalties(0.3f, 0.2f, 1 + 0.01f * i),
                i % 4 == 1 ? Map.of(65 + i % 20, 3.5f, 32, -100f) : Map.of(),
                i,
                i % 3);
        return request(prompt(1 + 7 * i % 60, i), sampling, 20 + i, i % 4 == 0 ? 10 : 0, List.of("zz", "\n\n"));
    }

    static GenerationRequest request(
            int[] prompt, SamplingParams sampling, int maxTokens, int minTokens, List<String> stop) {
        return new GenerationRequest(prompt, new int[0], 0, sampling, maxTokens, minTokens, stop, -1);
    }

    private static GenerationRequest resumed(GenerationRequest whole, int[] relayed, int textLength) {
        return new GenerationRequest(
                whole.prompt(),
                relayed,
                textLength,
                whole.sampling(),
                whole.maxTokens(),
                whole.minTokens(),
                whole.stop(),
                whole.topLogprobs());
    }

    static int[] prompt(int length, int seed) {
        return new Random(seed).ints(length, 32, 127).toArray();
    }
}
