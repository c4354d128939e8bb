package io.altiplano.worker.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Known answers of the authors' Random123 library (kat_vectors, philox4x32 with 10 rounds). */
class PhiloxTest {
    @Test
    void equals_the_authors_known_answers() {
        assertThat(Philox.block(new int[] {0, 0, 0, 0}, 0, 0))
                .containsExactly(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
        assertThat(Philox.block(new int[] {-1, -1, -1, -1}, -1, -1))
                .containsExactly(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
        assertThat(Philox.block(new int[] {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0))
                .containsExactly(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    }

    @Test
    void seeds_positions_and_choices_give_noise_of_their_own() {
        assertThat(Philox.bits(0, 0, 0)).isEqualTo(0xe169c58d6627e8d5L);
        assertThat(Philox.bits(1, 0, 0)).isNotEqualTo(Philox.bits(0, 0, 0));
        assertThat(Philox.bits(1L << 32, 0, 0)).isNotEqualTo(Philox.bits(0, 0, 0));
        assertThat(Philox.bits(0, 1, 0)).isNotEqualTo(Philox.bits(0, 0, 0));
        assertThat(Philox.bits(0, 0, 1)).isNotIn(Philox.bits(0, 0, 0), Philox.bits(0, 1, 0));
    }
}
