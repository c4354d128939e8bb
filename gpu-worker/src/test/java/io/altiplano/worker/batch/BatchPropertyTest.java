package io.altiplano.worker.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.BlockTable;
import io.altiplano.worker.kvcache.PrefixChain;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class BatchPropertyTest {
    @Property(tries = 300)
    void every_sequence_ends_whatever_the_pool_and_nothing_is_left_over(
            @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 1, max = 90) Integer> prompts,
            @ForAll @IntRange(min = 1, max = 60) int answer,
            @ForAll @IntRange(min = 10, max = 40) int blocks,
            @ForAll @IntRange(min = 1, max = 5) int places,
            @ForAll @IntRange(min = 5, max = 70) int budget) {
        BlockPool pool = new BlockPool(blocks);
        Batch batch = new Batch(pool, new BatchLimits(places, budget));
        Map<Sequence, Integer> left = new HashMap<>();
        for (int prompt : prompts) {
            Sequence sequence = new Sequence(new int[prompt], pool);
            batch.add(sequence);
            left.put(sequence, answer);
        }
        int steps = 0;
        while (!batch.isEmpty()) {
            step(batch, left, budget, places);
            assertThat(++steps).as("steps").isLessThan(200_000);
        }
        assertThat(left).isEmpty();
        pool.requireAllFree();
    }

    /** What a block holds, as the model would have written it: its tokens with all before them, and the salt. */
    @Property(tries = 300)
    void shared_blocks_hold_what_each_of_their_sequences_would_have_computed(
            @ForAll @Size(min = 2, max = 12) List<@IntRange(min = 1, max = 90) Integer> prompts,
            @ForAll @IntRange(min = 1, max = 40) int answer,
            @ForAll @IntRange(min = 9, max = 40) int blocks,
            @ForAll @IntRange(min = 1, max = 5) int places,
            @ForAll @IntRange(min = 5, max = 70) int budget) {
        BlockPool pool = new BlockPool(blocks);
        Batch batch = new Batch(pool, new BatchLimits(places, budget));
        String[] written = new String[blocks * 16];
        Map<Sequence, Integer> left = new HashMap<>();
        Map<Sequence, String> salts = new HashMap<>();
        for (int i = 0; i < prompts.size(); i++) {
            int[] tokens = new int[prompts.get(i)];
            for (int t = 0; t < tokens.length; t++) {
                tokens[t] = t < 40 ? 1 : i % 3;
            }
            String salt = i % 4 == 3 ? "other" : "one";
            Sequence sequence = new Sequence(tokens, pool, new PrefixChain(salt, ""));
            batch.add(sequence);
            left.put(sequence, answer);
            salts.put(sequence, salt);
        }
        while (!batch.isEmpty()) {
            List<Slice> slices = batch.plan();
            for (Slice slice : slices) {
                Sequence sequence = slice.sequence();
                int[] table = sequence.blocks();
                StringBuilder before = new StringBuilder(salts.get(sequence));
                for (int p = 0; p < slice.from() + slice.count(); p++) {
                    before.append(sequence.token(p)).append(' ');
                    int slot = table[p / 16] * 16 + p % 16;
                    if (p < slice.from()) {
                        assertThat(written[slot]).isEqualTo(before.toString());
                    } else {
                        written[slot] = before.toString();
                    }
                }
            }
            for (Slice slice : slices) {
                Sequence sequence = slice.sequence();
                sequence.computedUpTo(slice.from() + slice.count());
                if (slice.reachesEnd()) {
                    sequence.append(7);
                    if (left.merge(sequence, -1, Integer::sum) == 0) {
                        batch.remove(sequence);
                    }
                }
            }
        }
        pool.requireAllFree();
    }

    private static void step(Batch batch, Map<Sequence, Integer> left, int budget, int places) {
        List<Slice> slices = batch.plan();
        assertThat(slices.stream().mapToInt(Slice::count).sum()).isBetween(1, budget);
        assertThat(slices.stream().map(Slice::sequence)).doesNotHaveDuplicates();
        assertThat(batch.running()).isLessThanOrEqualTo(places);
        List<Integer> held = new ArrayList<>();
        for (Slice slice : slices) {
            Sequence sequence = slice.sequence();
            for (int block : sequence.blocks()) {
                held.add(block);
            }
            assertThat(sequence.blocks().length).isGreaterThanOrEqualTo(BlockTable.blocksFor(sequence.computed()));
            if (slice.reachesEnd()) {
                sequence.append(7);
                if (left.merge(sequence, -1, Integer::sum) == 0) {
                    left.remove(sequence);
                    batch.remove(sequence);
                }
            }
        }
        assertThat(held).doesNotHaveDuplicates();
    }

    @Property(tries = 300)
    void those_that_yield_end_too_whoever_comes_between_and_nothing_is_left_over(
            @ForAll @Size(min = 1, max = 12) List<@IntRange(min = 1, max = 90) Integer> prompts,
            @ForAll @IntRange(min = 1, max = 40) int answer,
            @ForAll @IntRange(min = 9, max = 40) int blocks,
            @ForAll @IntRange(min = 1, max = 5) int places,
            @ForAll @IntRange(min = 5, max = 70) int budget) {
        BlockPool pool = new BlockPool(blocks);
        Batch batch = new Batch(pool, new BatchLimits(places, budget));
        Map<Sequence, Integer> left = new HashMap<>();
        List<Sequence> coming = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            Sequence sequence = new Sequence(new int[prompts.get(i)], pool, null, i % 2 == 0);
            if (i < prompts.size() / 2) {
                batch.add(sequence);
            } else {
                coming.add(sequence);
            }
            left.put(sequence, answer);
        }
        int steps = 0;
        while (!batch.isEmpty() || !coming.isEmpty()) {
            if (!coming.isEmpty() && steps % 3 == 0) {
                batch.add(coming.removeFirst());
            }
            if (!batch.isEmpty()) {
                step(batch, left, budget, places);
            }
            assertThat(++steps).as("steps").isLessThan(200_000);
        }
        assertThat(left).isEmpty();
        pool.requireAllFree();
    }

    @Example
    void a_newcomer_takes_the_place_and_the_blocks_of_one_that_yields_in_the_next_step() {
        for (int scarce = 0; scarce < 2; scarce++) {
            BlockPool pool = new BlockPool(scarce == 0 ? 100 : 8);
            Batch batch = new Batch(pool, new BatchLimits(scarce == 0 ? 2 : 9, 64));
            Sequence one = new Sequence(new int[40], pool, null, true);
            Sequence two = new Sequence(new int[40], pool, null, true);
            batch.add(one);
            batch.add(two);
            batch.plan();
            batch.plan();
            one.append(1);
            two.append(1);
            Sequence newcomer = new Sequence(new int[40], pool);
            batch.add(newcomer);

            List<Slice> slices = batch.plan();

            assertThat(slices).extracting(Slice::sequence).containsExactly(newcomer, one);
            assertThat(two.blocks()).isEmpty();
            assertThat(batch.preemptions()).isEqualTo(1);
            batch.remove(newcomer);
            one.append(1);
            assertThat(batch.plan()).extracting(Slice::sequence).containsExactly(one, two);
        }
    }

    @Example
    void a_newcomer_that_yields_preempts_nobody_and_none_is_preempted_for_one_that_would_not_fit_anyway() {
        BlockPool pool = new BlockPool(8);
        Batch batch = new Batch(pool, new BatchLimits(9, 200));
        Sequence firm = new Sequence(new int[60], pool);
        Sequence yielding = new Sequence(new int[30], pool, null, true);
        batch.add(firm);
        batch.add(yielding);
        batch.plan();
        batch.add(new Sequence(new int[40], pool, null, true));
        batch.add(new Sequence(new int[80], pool));
        firm.append(1);
        yielding.append(1);

        assertThat(batch.plan()).extracting(Slice::sequence).containsExactly(firm, yielding);
        assertThat(batch.preemptions()).isZero();
    }

    @Example
    void a_long_prompt_does_not_hold_up_the_answers_beside_it() {
        BlockPool pool = new BlockPool(100);
        Batch batch = new Batch(pool, new BatchLimits(4, 16));
        Sequence answering = new Sequence(new int[3], pool);
        batch.add(answering);
        batch.plan();
        answering.append(1);
        Sequence lengthy = new Sequence(new int[200], pool);
        batch.add(lengthy);

        List<Slice> slices = batch.plan();

        assertThat(slices).containsExactly(new Slice(answering, 3, 1, true), new Slice(lengthy, 0, 15, false));
    }

    @Example
    void the_latest_arrival_gives_way_and_is_the_first_to_come_back() {
        BlockPool pool = new BlockPool(4);
        Batch batch = new Batch(pool, new BatchLimits(4, 64));
        Sequence first = new Sequence(new int[16], pool);
        Sequence second = new Sequence(new int[16], pool);
        batch.add(first);
        batch.add(second);
        batch.plan();
        for (int i = 0; i < 17; i++) {
            first.append(1);
            if (second.computed() > 0) {
                second.append(1);
            }
            batch.plan();
        }
        assertThat(batch.preemptions()).isEqualTo(1);
        assertThat(second.computed()).isZero();
        batch.remove(first);
        assertThat(batch.plan()).extracting(Slice::sequence).containsExactly(second);
    }

    @Example
    void what_does_not_fit_alone_is_an_error_and_not_an_endless_wait() {
        BlockPool pool = new BlockPool(2);
        Batch batch = new Batch(pool, new BatchLimits(1, 64));
        batch.add(new Sequence(new int[40], pool));
        assertThatThrownBy(batch::plan)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("does not fit");
    }
}
