package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class StopMatcherPropertyTest {
    @Provide
    Arbitrary<String> text() {
        return Arbitraries.strings().withChars('a', 'b', 'c').ofMaxLength(30);
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return Arbitraries.strings()
                .withChars('a', 'b', 'c')
                .ofMinLength(1)
                .ofMaxLength(4)
                .list()
                .ofMaxSize(4);
    }

    @Provide
    Arbitrary<List<String>> pieces() {
        return Arbitraries.strings()
                .withChars('a', 'b', 'c')
                .ofMaxLength(5)
                .list()
                .ofMaxSize(12);
    }

    @Property(tries = 2000)
    void what_comes_out_does_not_depend_on_how_the_text_is_cut(
            @ForAll("pieces") List<String> pieces, @ForAll("stops") List<String> stops) {
        StopMatcher cut = new StopMatcher(stops);
        StringBuilder out = new StringBuilder();
        pieces.forEach(piece -> out.append(cut.add(piece)));
        boolean matched = cut.matched();
        out.append(cut.end());

        String expected = truncated(String.join("", pieces), stops);
        assertThat(out).hasToString(expected);
        assertThat(matched)
                .isEqualTo(expected.length() < String.join("", pieces).length());
    }

    @Property(tries = 1000)
    void nothing_is_held_back_without_need(@ForAll("text") String text, @ForAll("stops") List<String> stops) {
        StopMatcher matcher = new StopMatcher(stops);
        String certain = matcher.add(text);
        if (!matcher.matched()) {
            String held = text.substring(certain.length());
            assertThat(held.isEmpty() || stops.stream().anyMatch(stop -> stop.startsWith(held)))
                    .isTrue();
        }
    }

    @Example
    void the_longest_of_those_complete_at_one_place_wins() {
        StopMatcher matcher = new StopMatcher(List.of("b", "ab"));
        assertThat(matcher.add("xab") + matcher.end()).isEqualTo("x");
    }

    /** The plain definition: the earliest end of a stop string, and of those the longest. */
    private static String truncated(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            String head = text.substring(0, end);
            int longest = stops.stream()
                    .filter(head::endsWith)
                    .mapToInt(String::length)
                    .max()
                    .orElse(0);
            if (longest > 0) {
                return head.substring(0, end - longest);
            }
        }
        return text;
    }
}
