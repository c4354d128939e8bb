package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.TinyModels;
import io.altiplano.worker.engine.Answers.Answer;
import io.altiplano.worker.model.LoraAdapter;
import io.altiplano.worker.sampling.SamplingParams;
import io.altiplano.worker.sampling.SamplingParams.Penalties;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What answers share, beginnings and adapters, and what steers the choice of their tokens. */
class EngineSharingTest {
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

    private static Engine engine() {
        return Objects.requireNonNull(opened).engine();
    }

    @Test
    void what_others_have_computed_is_reused_counted_and_changes_no_bit() throws InterruptedException {
        int[] shared = EngineTest.prompt(200, 77);
        List<GenerationRequest> requests = IntStream.range(0, 24)
                .mapToObj(i -> {
                    int[] own = EngineTest.prompt(1 + 9 * i % 50, i);
                    int[] tokens = IntStream.concat(Arrays.stream(shared).limit(40 + 16 * (i % 9)), Arrays.stream(own))
                            .toArray();
                    GenerationRequest like = EngineTest.varied(i);
                    return EngineTest.request(tokens, like.sampling(), 20 + i, 0, like.stop());
                })
                .toList();
        List<Answer> alone = new ArrayList<>();
        for (GenerationRequest request : requests) {
            alone.add(Answers.run(engine(), request));
        }

        int cached = 0;
        for (int narrow = 0; narrow < 2; narrow++) {
            EngineOptions size = narrow == 0 ? new EngineOptions(8, 400, 64) : new EngineOptions(6, 24, 16);
            AtomicLong preemptions = new AtomicLong();
            try (ServedModel small = ModelStore.open(
                    "reusing",
                    Objects.requireNonNull(dir),
                    TinyModels.options(),
                    size,
                    (model, report) -> preemptions.set(report.preemptions()))) {
                List<Answers> submitted = requests.stream()
                        .map(r -> Answers.submit(small.engine(), r.salted("tenant")))
                        .toList();
                for (int i = 0; i < submitted.size(); i++) {
                    Answer answer = submitted.get(i).await();
                    assertThat(answer.tokens()).isEqualTo(alone.get(i).tokens());
                    assertThat(answer.text()).isEqualTo(alone.get(i).text());
                    assertThat(answer.ending().cachedTokens())
                            .isBetween(0, requests.get(i).prompt().length - 1)
                            .matches(n -> n % 16 == 0);
                    cached += answer.ending().cachedTokens();
                }
                Answers.run(small.engine(), GenerationRequest.of(new int[] {1}, EngineTest.LIVELY, 1));
                assertThat(small.engine().isAlive()).isTrue();
                assertThat(small.engine().freeBlocks()).isGreaterThanOrEqualTo(size.kvBlocks() - 1);
            }
            assertThat(preemptions.get() > 0).isEqualTo(narrow == 1);
        }
        assertThat(cached).isGreaterThan(1000);
    }

    @Test
    void batch_answers_give_way_to_a_newcomer_within_a_step_and_are_what_they_are_in_peace() throws Exception {
        // given: two long answers that yield hold both places
        List<GenerationRequest> batch = IntStream.range(0, 2)
                .mapToObj(i -> EngineTest.request(EngineTest.prompt(30, i), EngineTest.LIVELY, 120, 120, List.of()))
                .toList();
        GenerationRequest urgent = EngineTest.request(EngineTest.prompt(20, 5), EngineTest.LIVELY, 30, 30, List.of());
        List<Answer> alone = new ArrayList<>();
        for (GenerationRequest request : batch) {
            alone.add(Answers.run(engine(), request));
        }
        AtomicLong steps = new AtomicLong();
        AtomicLong preemptions = new AtomicLong();
        CountDownLatch begun = new CountDownLatch(20);
        CountDownLatch go = new CountDownLatch(1);
        try (ServedModel small = ModelStore.open(
                "yielding",
                Objects.requireNonNull(dir),
                TinyModels.options(),
                new EngineOptions(2, 64, 64),
                (model, report) -> {
                    preemptions.set(report.preemptions());
                    steps.incrementAndGet();
                    begun.countDown();
                    if (begun.getCount() == 0) {
                        awaitQuietly(go);
                    }
                })) {
            List<Answers> running = batch.stream()
                    .map(r -> Answers.submit(small.engine(), r.salted("t").yielding(true)))
                    .toList();
            begun.await();

            // when: the engine stands between two steps
            AtomicLong firstTokenAt = new AtomicLong();
            long before = steps.get();
            Answers urgentAnswer = new Answers(urgent);
            small.engine().submit(urgent, progress -> {
                firstTokenAt.compareAndSet(0, steps.get() + 1);
                urgentAnswer.progressed(progress);
            });
            go.countDown();

            // then
            assertThat(urgentAnswer.await().tokens())
                    .isEqualTo(Answers.run(engine(), urgent).tokens());
            assertThat(firstTokenAt.get()).isEqualTo(before + 1);
            for (int i = 0; i < 2; i++) {
                Answer answer = running.get(i).await();
                assertThat(answer.tokens()).isEqualTo(alone.get(i).tokens());
                assertThat(answer.text()).isEqualTo(alone.get(i).text());
            }
            assertThat(preemptions).hasValue(1);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void the_digest_names_what_a_prompt_left_in_the_cache() throws InterruptedException {
        long[] labels = {71, 72, 73};
        GenerationRequest request = EngineTest.request(EngineTest.prompt(55, 61), EngineTest.LIVELY, 5, 0, List.of());
        Answers.run(engine(), request.salted("digest").labelled(labels));

        // when: it was asked for, and a request that came after is answered
        long[] before = engine().prefixDigest();
        Answers.run(engine(), GenerationRequest.of(new int[] {1}, EngineTest.LIVELY, 1));

        assertThat(before).isEmpty();
        assertThat(engine().prefixDigest()).contains(71, 72, 73);
    }

    @Test
    void a_prompt_is_found_again_by_its_own_salt_alone() throws InterruptedException {
        GenerationRequest request = EngineTest.request(EngineTest.prompt(100, 31), EngineTest.LIVELY, 5, 0, List.of());
        assertThat(cachedTokens(request.salted("acme"))).isZero();
        assertThat(cachedTokens(request.salted("acme"))).isEqualTo(96);
        assertThat(cachedTokens(request.salted("edge"))).isZero();
        assertThat(cachedTokens(request)).isZero();
        assertThat(cachedTokens(request)).isZero();
        GenerationRequest block = EngineTest.request(EngineTest.prompt(96, 31), EngineTest.LIVELY, 5, 0, List.of());
        assertThat(cachedTokens(block.salted("acme")))
                .as("the last token is computed")
                .isEqualTo(80);
    }

    private static int cachedTokens(GenerationRequest request) throws InterruptedException {
        return Answers.run(engine(), request).ending().cachedTokens();
    }

    @Test
    void answers_through_adapters_are_each_what_they_are_alone_and_share_nothing_with_others()
            throws InterruptedException {
        Path adapters = adapters();
        ServedModel served = Objects.requireNonNull(opened);
        try (LoraAdapter one = served.model().loadAdapter(adapters.resolve("r8-all"));
                LoraAdapter two = served.model().loadAdapter(adapters.resolve("r64-ffn-rslora"))) {
            List<GenerationRequest> requests = IntStream.range(0, 12)
                    .mapToObj(i -> EngineTest.request(
                                    EngineTest.prompt(50, 3), new SamplingParams(0.8f, 1, i / 3), 25, 25, List.of())
                            .adapted(i % 3 == 0 ? null : i % 3 == 1 ? one : two))
                    .toList();
            List<Answer> alone = new ArrayList<>();
            for (GenerationRequest request : requests) {
                alone.add(Answers.run(engine(), request));
            }

            List<Answers> together = requests.stream()
                    .map(r -> Answers.submit(engine(), r.salted("adapted")))
                    .toList();

            for (int i = 0; i < together.size(); i++) {
                assertThat(together.get(i).await().tokens())
                        .isEqualTo(alone.get(i).tokens());
            }
            assertThat(alone.stream().limit(3).map(Answer::tokens)).doesNotHaveDuplicates();
            assertThat(cachedTokens(requests.get(1).salted("adapted"))).isEqualTo(48);
        }
    }

    private static Path adapters() {
        try {
            return Path.of(Objects.requireNonNull(EngineTest.class.getResource("/checkpoints/tied-llama3/adapters"))
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void what_a_bias_forbids_or_wants_is_in_the_answer_and_not_in_the_log_probabilities() throws InterruptedException {
        SamplingParams wanted = new SamplingParams(1, 1, 0, 0, Penalties.NONE, Map.of(65, 100f), 1, 0);
        GenerationRequest asked =
                new GenerationRequest(EngineTest.prompt(10, 1), new int[0], 0, wanted, 10, 0, List.of(), 20);

        Answer answer = Answers.run(engine(), asked);

        assertThat(answer.text()).isEqualTo("AAAAAAAAAA");
        assertThat(answer.detailed())
                .anySatisfy(token -> assertThat(
                                Objects.requireNonNull(token.logprobs()).topIds())
                        .hasSize(20)
                        .doesNotContain(65));
    }

    @Test
    void a_frequency_penalty_keeps_an_answer_from_repeating_itself() throws InterruptedException {
        SamplingParams penalised =
                new SamplingParams(0, 1, 0, 0, new Penalties(2, 2, 10), Map.of(257, -100f, 258, -100f), 1, 0);

        Answer greedy = Answers.run(
                engine(), EngineTest.request(EngineTest.prompt(10, 1), SamplingParams.greedy(), 60, 60, List.of()));
        Answer answer =
                Answers.run(engine(), EngineTest.request(EngineTest.prompt(10, 1), penalised, 60, 0, List.of()));

        assertThat(answer.tokens().stream().distinct().count())
                .isGreaterThan(greedy.tokens().stream().distinct().count());
    }
}
