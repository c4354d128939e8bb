package io.altiplano.gateway.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class PrefixHashesTest {
    private static final String SALT = "00".repeat(32);
    private static final String OTHER_SALT = "01".repeat(32);

    @Property(tries = 200)
    void promptsShareTheHashesOfTheirCommonBlocksAndNoMore(
            @ForAll @Size(min = 40, max = 80) int[] prompt, @ForAll @IntRange(max = 39) int at) {
        int[] other = prompt.clone();
        other[at]++;

        List<ByteString> hashes = PrefixHashes.of(SALT, "m", "", prompt);
        List<ByteString> others = PrefixHashes.of(SALT, "m", "", other);

        assertThat(hashes).hasSize(prompt.length / 16).allMatch(h -> h.size() == 16);
        for (int block = 0; block < hashes.size(); block++) {
            assertThat(hashes.get(block).equals(others.get(block))).isEqualTo(block < at / 16);
        }
    }

    @Test
    void theSamePromptHasNoHashInCommonAcrossTenantsModelsAndAdapters() {
        int[] prompt = new int[64];
        Arrays.setAll(prompt, i -> i);

        List<ByteString> hashes = PrefixHashes.of(SALT, "m", "", prompt);

        assertThat(PrefixHashes.of(OTHER_SALT, "m", "", prompt)).doesNotContainAnyElementsOf(hashes);
        assertThat(PrefixHashes.of(SALT, "n", "", prompt)).doesNotContainAnyElementsOf(hashes);
        assertThat(PrefixHashes.of(SALT, "m", "a", prompt)).doesNotContainAnyElementsOf(hashes);
        assertThat(PrefixHashes.of(SALT, "", "m", prompt)).doesNotContainAnyElementsOf(hashes);
        assertThat(PrefixHashes.of(SALT, "m", "", prompt)).isEqualTo(hashes);
    }
}
