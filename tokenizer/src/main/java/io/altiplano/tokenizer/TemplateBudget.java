package io.altiplano.tokenizer;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;

/**
 * What one rendering may spend: a template is a program that came with a checkpoint, and may loop or grow without end. Steps are
 * nodes rendered and passes through loops; a template's own constructs can make a single step last no longer than its strings and
 * lists are long, which are bounded too, so the clock is asked at each step.
 */
final class TemplateBudget {
    /** Longest template; the longest in use have 20,000 characters. */
    static final int LONGEST_SOURCE = 256 << 10;
    /** Brackets in brackets, and blocks in blocks. */
    static final int DEEPEST = 50;
    /** Longest rendered text and longest string on the way to it. */
    static final int LONGEST_TEXT = 16 << 20;
    /** Most elements of a list or map. */
    static final int LONGEST_LIST = 200_000;

    static final int LONGEST_RANGE = 10_000;

    private static final int STEPS = 100_000;
    private static final int STEPS_A_MESSAGE = 2_000;
    private static final long NANOS = 10_000_000_000L;

    private final long until = System.nanoTime() + NANOS;
    private long left;

    /** For a conversation of so many messages and tools. */
    TemplateBudget(int messages) {
        left = STEPS + (long) STEPS_A_MESSAGE * messages;
    }

    /** An error and no exception, since jinjava takes exceptions for a node's own and goes on with the next one. */
    static final class SpentError extends Error {
        private static final long serialVersionUID = 1L;

        SpentError(String message) {
            super(message, null, false, false);
        }
    }

    /** Spends one step of the running rendering. */
    static void step(JinjavaInterpreter interpreter) {
        if (interpreter.getContext().get(TemplateLibrary.RENDER) instanceof TemplateLibrary.Render render) {
            render.budget.step();
        }
    }

    private void step() {
        if (--left < 0) {
            throw new SpentError("it loops: it takes more steps than any conversation of this length needs");
        }
        if (System.nanoTime() - until > 0) {
            throw new SpentError("it takes longer than " + NANOS / 1_000_000_000 + " s");
        }
    }

    /** @throws SpentError if a text of this length would be too long */
    static void requireLength(long length) {
        if (length > LONGEST_TEXT) {
            throw new SpentError("it makes a text of more than " + LONGEST_TEXT + " characters");
        }
    }
}
