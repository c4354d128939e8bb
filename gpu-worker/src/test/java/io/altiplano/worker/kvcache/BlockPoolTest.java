package io.altiplano.worker.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class BlockPoolTest {
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
    void what_is_left_over_is_named() {
        BlockPool pool = new BlockPool(3);
        new BlockTable(pool).grow(1);
        assertThatThrownBy(pool::requireAllFree)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("1 KV blocks are held: {0}");
    }

    @Test
    void giving_back_what_is_not_taken_is_an_error_at_once() {
        BlockPool pool = new BlockPool(3);
        assertThatThrownBy(() -> pool.give(1)).isInstanceOf(IllegalStateException.class);
    }
}
