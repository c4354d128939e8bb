package io.altiplano.worker.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockPoolTest {
    private static final int[] TOKENS = new Random(1).ints(100, 0, 1000).toArray();

    @Test
    void a_table_takes_a_block_for_each_16_positions_and_gives_all_back() {
        BlockPool pool = new BlockPool(3);
        BlockTable table = new BlockTable(pool);
        assertThat(table.grow(16)).isTrue();
        assertThat(table.blocks()).containsExactly(0);
        assertThat(table.grow(17)).isTrue();
        assertThat(table.blocks()).containsExactly(0, 1);
        assertThat(pool.free()).isEqualTo(1);
        table.release();
        pool.requireAllFree();
    }

    @Test
    void a_table_that_cannot_grow_takes_nothing() {
        BlockPool pool = new BlockPool(3);
        BlockTable table = new BlockTable(pool);
        assertThat(table.grow(49)).isFalse();
        assertThat(pool.free()).isEqualTo(3);
    }

    @Test
    void what_is_reserved_is_nobody_elses_and_no_leak() {
        // given two of three blocks
        BlockPool pool = new BlockPool(3);
        int[] reserved = pool.reserve(2);
        assertThat(reserved).containsExactly(0, 1);
        assertThat(pool.free()).isEqualTo(1);
        assertThat(pool.reserved()).isEqualTo(2);
        pool.requireAllFree();

        // then a table has what is left, and a leak beside it is still found
        BlockTable table = new BlockTable(pool);
        assertThat(table.grow(17)).isFalse();
        assertThat(table.grow(16)).isTrue();
        assertThatThrownBy(pool::requireAllFree).hasMessageContaining("1 KV blocks are held: {2}");
        assertThatThrownBy(() -> pool.reserve(1)).hasMessageContaining("0 are free");
        table.release();

        pool.unreserve(reserved);
        assertThat(pool.free()).isEqualTo(3);
        assertThat(pool.reserved()).isZero();
        assertThatThrownBy(() -> pool.unreserve(reserved)).hasMessageContaining("not reserved");
        pool.requireAllFree();
    }

    @Test
    void what_is_left_over_is_named() {
        BlockPool pool = new BlockPool(3);
        new BlockTable(pool).grow(1);
        assertThatThrownBy(pool::requireAllFree)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 KV blocks are held: {0}");
    }

    @Test
    void what_another_has_computed_is_found_by_whoever_begins_alike_and_has_the_salt() {
        BlockPool pool = new BlockPool(10);
        BlockTable first = table(pool, "a", "");
        first.grow(50);
        first.computed(TOKENS, 47);

        BlockTable same = table(pool, "a", "");
        assertThat(same.reuse(TOKENS, 100)).isEqualTo(32);
        assertThat(same.blocks()).containsExactly(0, 1);
        assertThat(table(pool, "a", "").reuse(TOKENS, 32))
                .as("the last token is computed")
                .isEqualTo(16);
        assertThat(table(pool, "b", "").reuse(TOKENS, 100)).isZero();
        assertThat(table(pool, "a", "adapter").reuse(TOKENS, 100)).isZero();
        assertThat(table(pool, "aa", "dapter").reuse(TOKENS, 100)).isZero();
        assertThat(new BlockTable(pool).reuse(TOKENS, 100)).isZero();
        int[] other = TOKENS.clone();
        other[3]++;
        assertThat(table(pool, "a", "").reuse(other, 100)).isZero();
        other[3]--;
        other[20]++;
        assertThat(table(pool, "a", "").reuse(other, 100)).isEqualTo(16);
    }

    @Test
    void a_block_goes_back_when_its_last_holder_gives_it_and_is_kept_until_it_is_needed() {
        BlockPool pool = new BlockPool(4);
        BlockTable first = table(pool, "a", "");
        first.grow(40);
        first.computed(TOKENS, 40);
        BlockTable second = table(pool, "a", "");
        second.reuse(TOKENS, 40);
        assertThat(pool.free()).isEqualTo(1);
        first.release();
        assertThat(pool.free()).isEqualTo(2);
        second.release();
        assertThat(pool.free()).isEqualTo(4);
        assertThat(pool.kept()).isEqualTo(2);
        pool.requireAllFree();

        BlockTable third = table(pool, "a", "");
        assertThat(third.reuse(TOKENS, 40)).isEqualTo(32);
        third.release();
        BlockTable stranger = new BlockTable(pool);
        assertThat(stranger.grow(48)).isTrue();
        assertThat(stranger.blocks())
                .as("blank ones first, then the end of what was kept")
                .containsExactly(2, 3, 1);
        stranger.release();
        assertThat(table(pool, "a", "").reuse(TOKENS, 40)).isEqualTo(16);
    }

    @Test
    void what_was_let_go_longest_ago_is_given_out_first() {
        BlockPool pool = new BlockPool(3);
        int[][] prompts = {{1}, {2}, {3}};
        for (int[] prompt : prompts) {
            BlockTable table = table(pool, "a", "");
            table.grow(16);
            table.computed(Arrays.copyOf(prompt, 17), 16);
            table.release();
        }
        BlockTable again = table(pool, "a", "");
        again.reuse(Arrays.copyOf(prompts[0], 17), 17);
        again.release();

        new BlockTable(pool).grow(16);

        assertThat(table(pool, "a", "").reuse(Arrays.copyOf(prompts[1], 17), 17))
                .isZero();
        assertThat(table(pool, "a", "").reuse(Arrays.copyOf(prompts[0], 17), 17))
                .isEqualTo(16);
    }

    @Test
    void cached_blocks_are_told_by_their_labels_the_last_let_go_first_and_beginnings_before_what_follows() {
        BlockPool pool = new BlockPool(8);
        for (int prompt = 1; prompt <= 2; prompt++) {
            BlockTable table =
                    new BlockTable(pool, new PrefixChain("s" + prompt, "", new long[] {10 * prompt, 10 * prompt + 1}));
            table.grow(48);
            table.computed(TOKENS, 48);
            table.release();
        }
        BlockTable held = new BlockTable(pool, new PrefixChain("s1", "", new long[] {10, 11}));
        held.reuse(TOKENS, 17);

        assertThat(pool.labels(9)).as("blocks without a label are not told").containsExactly(10, 20, 21, 11);
        assertThat(pool.labels(2)).containsExactly(10, 20);
        new BlockTable(pool).grow(16 * 7);
        assertThat(pool.labels(9)).as("only what can be found").containsExactly(10);
    }

    private static BlockTable table(BlockPool pool, String salt, String adapter) {
        return new BlockTable(pool, new PrefixChain(salt, adapter));
    }

    @Test
    void giving_back_what_is_not_taken_is_an_error_at_once() {
        BlockPool pool = new BlockPool(3);
        assertThatThrownBy(() -> pool.give(1)).isInstanceOf(IllegalStateException.class);
    }
}
