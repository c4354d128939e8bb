package io.altiplano.worker.engine;

/**
 * How an answer ended. Counts are of the whole answer: relayed tokens of earlier attempts are counted.
 *
 * @param reason why
 * @param promptTokens the prompt's tokens; 0 if the model never began to read them
 * @param completionTokens tokens written
 * @param cachedTokens of the prompt's tokens, those whose keys and values were there already
 * @param message for {@link Reason#FAULTED}, what happened; else empty
 */
public record Ending(Reason reason, int promptTokens, int completionTokens, int cachedTokens, String message) {
    /** Why an answer ended. */
    public enum Reason {
        /** An end token or a stop string. */
        STOP,
        /** max_tokens. */
        LENGTH,
        /** {@link Generation#cancel}. */
        CANCELLED,
        /** The engine could not go on. */
        FAULTED
    }
}
