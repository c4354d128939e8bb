package io.altiplano.tokenizer;

/** A GGUF file cannot be read; the message names the file and what is wrong with it. */
public final class InvalidGgufException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    InvalidGgufException(String message) {
        super(message);
    }

    InvalidGgufException(String message, Throwable cause) {
        super(message, cause);
    }
}
