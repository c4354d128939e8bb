package io.altiplano.tokenizer;

/** A model directory whose tokenizer or chat template cannot be used; the message names the file and the remedy. */
public final class InvalidTokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With what is wrong and what to do about it. */
    public InvalidTokenizerException(String message) {
        super(message);
    }

    /** With the error underneath. */
    public InvalidTokenizerException(String message, Throwable cause) {
        super(message, cause);
    }
}
