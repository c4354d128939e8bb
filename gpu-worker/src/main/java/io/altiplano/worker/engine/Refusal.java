package io.altiplano.worker.engine;

/**
 * Why a request can never run on this engine.
 *
 * @param code for programs
 * @param message for people
 */
public record Refusal(Code code, String message) {
    /** In order of precedence. */
    public enum Code {
        /** A token id that the model does not have. */
        INVALID_TOKENS,
        /** Prompt and answer exceed the model's context or this engine's KV cache. */
        CONTEXT_LENGTH_EXCEEDED
    }
}
