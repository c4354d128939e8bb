package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.altiplano.worker.TinyModels;
import io.altiplano.worker.engine.Answers.Answer;
import io.altiplano.worker.model.Scorer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Work beside answers on one engine: neither changes the other, and an answer waits for one micro-step at most. */
class SharedWorkTest {
    private static @Nullable Path dir;

    @BeforeAll
    static void write(@TempDir Path temporary) {
        dir = TinyModels.write(temporary.resolve("tiny"));
    }

    private static ServedModel open(int blocks) {
        return TinyModels.open(Objects.requireNonNull(dir), new EngineOptions(8, blocks, 64));
    }

    private static int[] text(int length) {
        return new Random(length).ints(length, 0, 256).toArray();
    }

    private static double expected(ServedModel model, int[] text) {
        return Arrays.stream(new Scorer(model.model()).score(text)).skip(1).sum();
    }

    @Test
    void answers_and_work_are_what_they_are_alone_though_memory_is_scarce() throws Exception {
        // given what they are alone
        List<GenerationRequest> requests =
                IntStream.range(0, 12).mapToObj(EngineTest::varied).toList();
        List<Answer> alone = new ArrayList<>();
        int[] text = text(400);
        double sum;
        try (ServedModel model = open(2048)) {
            for (GenerationRequest request : requests) {
                alone.add(Answers.run(model.engine(), request));
            }
            sum = expected(model, text);
        }

        // when both are on one engine, whose answers preempt each other for what the work leaves; it has begun, waits
        // for them, and does little at a time, so that it lasts
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        AtomicInteger generated = new AtomicInteger();
        AtomicLong preemptions = new AtomicLong();
        AtomicInteger amongAnswers = new AtomicInteger();
        ModelObserver observer = (id, report) -> {
            generated.addAndGet(report.generatedTokens());
            preemptions.set(report.preemptions());
        };
        try (ServedModel model = ModelStore.open(
                "tiny",
                Objects.requireNonNull(dir),
                TinyModels.options(),
                new EngineOptions(8, 25 + 10, 64),
                observer)) {
            Scoring work = new Scoring(text) {
                @Override
                public int step(Place place, int most) {
                    begun.countDown();
                    SharedWorkTest.await(asked);
                    amongAnswers.addAndGet(generated.get() > 0 ? 1 : 0);
                    return super.step(place, Math.min(most, 8));
                }
            };
            model.engine().share(work);
            await(begun);
            List<Answers> submitted = requests.stream()
                    .map(request -> Answers.submit(model.engine(), request))
                    .toList();
            asked.countDown();

            // then
            for (int i = 0; i < submitted.size(); i++) {
                EngineTest.assertSame(submitted.get(i).await(), alone.get(i));
            }
            assertThat(work.end()).isEqualTo(new SharedWork.End(SharedWork.Reason.DONE, ""));
            assertThat(work.sum()).isCloseTo(sum, within(1e-9 * Math.abs(sum)));
            // What is free is told as of the last step, in which this answer holds a block.
            Answers.run(model.engine(), GenerationRequest.of(new int[] {1}, EngineTest.LIVELY, 1));
            assertThat(model.engine().freeBlocks()).isGreaterThanOrEqualTo(35 - 1);
            assertThat(amongAnswers).hasValueGreaterThan(10);
            assertThat(preemptions).hasValueGreaterThan(0);
        }
    }

    @Test
    void an_answer_that_comes_while_a_micro_step_runs_waits_for_no_other() throws Exception {
        try (ServedModel model = open(64)) {
            // given work without an end, held in the middle of a micro-step
            CountDownLatch inside = new CountDownLatch(1);
            CountDownLatch asked = new CountDownLatch(1);
            AtomicInteger after = new AtomicInteger();
            Endless work = new Endless() {
                @Override
                public int step(Place place, int most) {
                    inside.countDown();
                    await(asked);
                    after.incrementAndGet();
                    return 1;
                }
            };
            model.engine().share(work);
            await(inside);

            // when an answer is asked for, whose listener looks how many micro-steps there were before its first token
            CountDownLatch first = new CountDownLatch(1);
            AtomicInteger before = new AtomicInteger(-1);
            model.engine().submit(EngineTest.varied(3), progress -> {
                before.compareAndSet(-1, after.get());
                first.countDown();
            });
            asked.countDown();
            await(first);

            // then: the one that ran
            assertThat(before).hasValue(1);
        }
    }

    @Test
    void what_is_reserved_is_no_answers_until_it_is_given_back() throws Exception {
        try (ServedModel model = open(20)) {
            GenerationRequest large = GenerationRequest.of(text(200), EngineTest.LIVELY, 100);
            assertThat(model.engine().refuse(large)).isEmpty();
            CountDownLatch enough = new CountDownLatch(1);
            Endless work = new Endless() {
                @Override
                public int blocks() {
                    return 10;
                }

                @Override
                public int step(Place place, int most) {
                    begun.countDown();
                    return enough.getCount() == 0 ? 0 : 1;
                }
            };
            model.engine().share(work);
            await(work.begun);

            // then the worker says that it has less, and what it is given nevertheless is no fault of the request
            assertThat(model.engine().totalBlocks()).isEqualTo(10);
            assertThat(model.engine().refuse(large)).isEmpty();
            Ending ending = Answers.run(model.engine(), large).ending();
            assertThat(ending.reason()).isEqualTo(Ending.Reason.FAULTED);
            assertThat(ending.message()).contains("reserved");
            enough.countDown();
            await(work.over);

            assertThat(Answers.run(model.engine(), large).ending().reason()).isNotEqualTo(Ending.Reason.FAULTED);
            assertThat(model.engine().totalBlocks()).isEqualTo(20);
        }
    }

    @Test
    void work_that_throws_ends_alone() throws Exception {
        try (ServedModel model = open(32)) {
            Endless work = new Endless() {
                @Override
                public int step(Place place, int most) {
                    throw new IllegalStateException("no such row");
                }
            };
            model.engine().share(work);
            await(work.over);
            assertThat(Objects.requireNonNull(work.end).reason()).isEqualTo(SharedWork.Reason.FAILED);
            assertThat(work.end.message()).contains("no such row");
            assertThat(Answers.run(model.engine(), EngineTest.varied(1)).tokens())
                    .isNotEmpty();
        }
    }

    @Test
    void an_engine_that_stops_tells_its_work() throws Exception {
        Endless work = new Endless();
        try (ServedModel model = open(32)) {
            model.engine().share(work);
            await(work.begun);
        }
        await(work.over);
        assertThat(Objects.requireNonNull(work.end).reason()).isEqualTo(SharedWork.Reason.STOPPED);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static class Endless implements SharedWork {
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch over = new CountDownLatch(1);
        volatile @Nullable End end;

        @Override
        public int blocks() {
            return 0;
        }

        @Override
        public int step(Place place, int most) {
            begun.countDown();
            return 1;
        }

        @Override
        public void ended(End how) {
            end = how;
            over.countDown();
        }
    }
}
