package io.altiplano.worker.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one step added to an answer.
 *
 * @param index position in the whole answer of the first of {@code tokens}
 * @param tokens new tokens in order; empty if the answer ended without one
 * @param text text that became certain: whole characters, nothing that could still become a stop string
 * @param textOffset position in the whole answer's text of its first UTF-16 unit
 * @param ending set on the last progress of an answer
 */
public record Progress(
        int index,
        List<GeneratedToken> tokens,
        String text,
        int textOffset,
        @Nullable Ending ending) {}
