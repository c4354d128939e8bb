package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class DetokenizerPropertyTest {
    private final Tokenizer tokenizer = Goldens.TOKENIZER;

    @Property(tries = 500)
    void encoding_then_decoding_gives_the_text_back(@ForAll String text) {
        String wellFormed = new String(text.getBytes(StandardCharsets.UTF_16LE), StandardCharsets.UTF_16LE);
        assertThat(tokenizer.decode(tokenizer.encode(wellFormed))).isEqualTo(wellFormed);
        assertThat(Arrays.stream(tokenizer.encode(wellFormed))).noneMatch(tokenizer::isSpecial);
        assertThat(tokenizer.encode(text)).hasSizeGreaterThanOrEqualTo(tokenizer.leastTokens(text));
    }

    @Property(tries = 500)
    void token_by_token_gives_the_text_of_the_whole(@ForAll @Size(max = 40) List<@IntRange(max = 327) Integer> ids) {
        Detokenizer detokenizer = tokenizer.detokenizer();
        StringBuilder out = new StringBuilder();
        ids.forEach(id -> out.append(detokenizer.add(id)));
        out.append(detokenizer.end());
        assertThat(out)
                .hasToString(tokenizer.decode(ids.stream().mapToInt(id -> id).toArray()));
    }

    @Property(tries = 500)
    void a_character_is_never_split(@ForAll String text) {
        int[] ids = tokenizer.encode(text);
        Detokenizer detokenizer = tokenizer.detokenizer();
        for (int id : ids) {
            String piece = detokenizer.add(id);
            if (!text.contains("\ufffd") && wellFormed(text)) {
                assertThat(piece).doesNotContain("\ufffd");
            }
            if (!piece.isEmpty()) {
                assertThat(Character.isLowSurrogate(piece.charAt(0))).isFalse();
                assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1)))
                        .isFalse();
            }
        }
    }

    @Property(tries = 200)
    void special_tokens_in_an_answer_have_no_text(@ForAll @Size(max = 20) List<@IntRange(max = 335) Integer> ids) {
        Detokenizer detokenizer = tokenizer.detokenizer();
        StringBuilder out = new StringBuilder();
        ids.forEach(id -> out.append(detokenizer.add(id)));
        out.append(detokenizer.end());
        assertThat(out)
                .hasToString(tokenizer.decode(ids.stream()
                        .mapToInt(id -> id)
                        .filter(id -> !tokenizer.isSpecial(id))
                        .toArray()));
    }

    private static boolean wellFormed(String text) {
        return text.codePoints().noneMatch(c -> c >= 0xd800 && c <= 0xdfff);
    }
}
