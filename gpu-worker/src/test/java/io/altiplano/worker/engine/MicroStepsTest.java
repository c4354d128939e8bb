package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.altiplano.worker.TinyModels;
import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.KvStorage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How long a micro-step takes, how often there is one, and whose memory it works in; by a clock that the works move. */
class MicroStepsTest {
    private static final long MILLIS = 1_000_000;

    private static @Nullable ServedModel opened;
    private static @Nullable KvStorage storage;

    private final BlockPool pool = new BlockPool(10);
    private long now;
    private final MicroSteps steps =
            new MicroSteps(pool, Objects.requireNonNull(opened).model(), Objects.requireNonNull(storage), () -> now);

    @BeforeAll
    static void open(@TempDir Path temporary) {
        opened = TinyModels.open(TinyModels.write(temporary.resolve("tiny")), new EngineOptions(4, 16, 16));
        storage = opened.model().newKvStorage(10);
    }

    @AfterAll
    static void close() {
        Objects.requireNonNull(opened).close();
    }

    /** Work without an end whose units take as long as it is told. */
    private class Costly implements SharedWork {
        private final int blocks;
        private final IntToLongFunction costOfStep;
        private int done;
        int units;

        @Nullable
        End end;

        Costly(int blocks, IntToLongFunction costOfStep) {
            this.blocks = blocks;
            this.costOfStep = costOfStep;
        }

        @Override
        public int blocks() {
            return blocks;
        }

        @Override
        public int step(Place place, int most) {
            assertThat(place.blocks()).hasSize(blocks);
            now += most * costOfStep.applyAsLong(done++);
            return most;
        }

        @Override
        public void ended(End how) {
            assertThat(end).isNull();
            end = how;
        }
    }

    @Test
    void none_takes_longer_than_50_ms_while_units_cost_up_to_a_fifth_more_from_one_to_the_next() {
        for (int seed = 0; seed < 300; seed++) {
            // given units of 100 ns to 10 ms, which become dearer and cheaper
            Random random = new Random(seed);
            List<Long> costs = new ArrayList<>();
            double cost = Math.pow(10, random.nextDouble(2, 7));
            for (int i = 0; i < 200; i++) {
                costs.add((long) Math.clamp(cost, 100, 30 * MILLIS));
                cost *= random.nextDouble(0.7, 1.19);
            }
            Costly work = new Costly(0, costs::get);
            steps.begin(work, 0);

            // when
            long longest = 0;
            for (int i = 0; i < costs.size(); i++) {
                longest = Math.max(longest, steps.after(0));
            }
            steps.stop("enough");

            // then
            assertThat(longest).as("seed %d", seed).isBetween(1L, 50 * MILLIS);
        }
    }

    @Test
    void where_units_are_small_a_micro_step_is_worth_its_while() {
        steps.begin(new Costly(0, _ -> 1_000), 0);
        long took = 0;
        for (int i = 0; i < 30; i++) {
            took = steps.after(0);
        }
        assertThat(took).isBetween(20 * MILLIS, 42 * MILLIS);
    }

    @Test
    void where_a_micro_step_costs_much_however_little_it_does_it_does_much() {
        // given 20 ms for a step, and a tenth of one for each unit
        Costly work = new Costly(0, _ -> 0) {
            @Override
            public int step(Place place, int most) {
                now += 20 * MILLIS + most * MILLIS / 10;
                units = most;
                return most;
            }
        };
        steps.begin(work, 0);

        // when
        long longest = 0;
        for (int i = 0; i < 50; i++) {
            longest = Math.max(longest, steps.after(0));
        }

        // then
        assertThat(work.units).isBetween(40, 200);
        assertThat(longest).isLessThanOrEqualTo(50 * MILLIS);
    }

    @Test
    void whatever_a_work_throws_is_its_end_alone() {
        Costly none = new Costly(0, _ -> 1) {
            @Override
            public int blocks() {
                throw new AssertionError("how many?");
            }
        };
        steps.begin(none, 0);
        assertThat(Objects.requireNonNull(none.end).message()).contains("how many?");
        Costly broken = new Costly(4, _ -> {
            throw new NoClassDefFoundError("io/altiplano/Missing");
        });
        steps.begin(broken, 0);
        steps.after(0);
        assertThat(Objects.requireNonNull(broken.end).reason()).isEqualTo(SharedWork.Reason.FAILED);
        assertThat(pool.free()).isEqualTo(10);
    }

    @Test
    void beside_answers_works_get_a_fifth_of_the_time_and_each_its_turn() {
        // given two works, and answers whose steps take 1 to 40 ms
        Costly one = new Costly(0, _ -> 10_000);
        Costly other = new Costly(0, _ -> 10_000);
        steps.begin(one, 0);
        steps.begin(other, 0);
        Random random = new Random(5);
        long answers = 0;
        long works = 0;

        // when
        for (int i = 0; i < 5_000; i++) {
            long answered = random.nextLong(MILLIS, 40 * MILLIS);
            answers += answered;
            works += steps.after(answered);
        }

        // then
        assertThat((double) works / (works + answers)).isCloseTo(0.2, within(0.005));
        assertThat(Math.abs(one.done - other.done)).isLessThanOrEqualTo(1);
    }

    @Test
    void a_work_whose_units_are_too_large_ends_with_the_remedy_and_gives_its_memory_back() {
        Costly work = new Costly(3, _ -> 51 * MILLIS);
        steps.begin(work, 0);
        for (int i = 0; i < 3; i++) {
            assertThat(work.end).isNull();
            steps.after(0);
        }
        assertThat(Objects.requireNonNull(work.end).reason()).isEqualTo(SharedWork.Reason.FAILED);
        assertThat(work.end.message()).contains("50 ms").contains("pool of its own");
        assertThat(steps.isEmpty()).isTrue();
        assertThat(pool.free()).isEqualTo(10);
    }

    @Test
    void one_unit_that_something_else_held_up_ends_nothing() {
        Costly work = new Costly(0, step -> step % 3 == 0 ? 80 * MILLIS : 30 * MILLIS);
        steps.begin(work, 0);
        for (int i = 0; i < 20; i++) {
            steps.after(0);
        }
        assertThat(work.end).isNull();
    }

    @Test
    void memory_that_is_not_free_or_that_an_answer_may_need_is_refused_and_nothing_is_taken() {
        Costly large = new Costly(8, _ -> MILLIS);
        steps.begin(large, 2);
        Costly more = new Costly(3, _ -> MILLIS);
        steps.begin(more, 2);
        assertThat(Objects.requireNonNull(more.end).reason()).isEqualTo(SharedWork.Reason.REFUSED);
        assertThat(more.end.message()).contains("3 KV blocks").contains("2 of 10 are free");
        Costly beside = new Costly(1, _ -> MILLIS);
        steps.begin(beside, 2);
        assertThat(Objects.requireNonNull(beside.end).reason()).isEqualTo(SharedWork.Reason.REFUSED);
        assertThat(pool.free()).isEqualTo(2);
        assertThat(large.end).isNull();
        pool.requireAllFree();

        steps.stop("enough");

        assertThat(Objects.requireNonNull(large.end).reason()).isEqualTo(SharedWork.Reason.STOPPED);
        assertThat(pool.free()).isEqualTo(10);
    }
}
