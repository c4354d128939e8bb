package io.altiplano.stack.infra;

import org.jspecify.annotations.Nullable;

/** A part did not start or stop as it should; the message names the part and the remedy, for a terminal. */
public final class InfraException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With what a person needs to know. */
    public InfraException(String message) {
        super(message);
    }

    /** With what a person needs to know and the cause. */
    public InfraException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
