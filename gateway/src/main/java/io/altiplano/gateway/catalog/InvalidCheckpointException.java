package io.altiplano.gateway.catalog;

/** A directory is not a checkpoint that the platform can serve. The message names the file, the fault and the remedy. */
public final class InvalidCheckpointException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidCheckpointException(String message) {
        super(message);
    }
}
