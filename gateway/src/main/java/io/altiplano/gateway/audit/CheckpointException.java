package io.altiplano.gateway.audit;

import org.jspecify.annotations.Nullable;

/** Checkpoints or their keys cannot be used; the message says which file, and what to do. */
final class CheckpointException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CheckpointException(String message) {
        this(message, null);
    }

    CheckpointException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
