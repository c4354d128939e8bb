package io.altiplano.worker.weights;

/** A checkpoint cannot be loaded; the message names the file, the tensor or key, and what is wrong with it. */
public final class InvalidCheckpointException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    public InvalidCheckpointException(String message) {
        super(message);
    }

    public InvalidCheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
