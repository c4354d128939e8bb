package io.altiplano.worker.engine;

import io.altiplano.tokenizer.Detokenizer;
import java.util.List;

/**
 * An answer's text as its tokens come: whole characters, up to a stop string. Text of tokens before min_tokens is never
 * looked at for stop strings.
 */
final class AnswerText {
    private final Detokenizer detokenizer;
    private final StopMatcher stops;
    private final int minTokens;
    private int tokens;

    AnswerText(Detokenizer detokenizer, List<String> stop, int minTokens) {
        this.detokenizer = detokenizer;
        this.stops =
                new StopMatcher(stop.stream().filter(AnswerText::wellFormed).toList());
        this.minTokens = minTokens;
    }

    /** Takes a token and returns the text that it makes certain. */
    String add(int id) {
        tokens++;
        String text = detokenizer.add(id);
        return tokens < minTokens ? text : stops.add(text);
    }

    /** Whether a stop string was found; the answer then has no more text. */
    boolean stopped() {
        return stops.matched();
    }

    /** The rest of the text, when no token follows. */
    String end() {
        String last = detokenizer.end();
        return stops.add(last) + stops.end();
    }

    /** Text is made of whole characters, so a stop string with half of one can never be found. */
    private static boolean wellFormed(String stop) {
        return stop.codePoints().noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
    }
}
