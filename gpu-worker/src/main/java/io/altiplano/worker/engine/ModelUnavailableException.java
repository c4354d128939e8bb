package io.altiplano.worker.engine;

/** A model or adapter that this worker cannot serve; the message names what is missing or wrong. */
public final class ModelUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Code code;

    /** Why. */
    public enum Code {
        /** The model store has no such directory. */
        MODEL_NOT_FOUND,
        /** The directory is there but cannot be loaded. */
        MODEL_INVALID,
        /** The model store has no such adapter. */
        ADAPTER_NOT_FOUND,
        /** The adapter is there but cannot be loaded, or not over this model, or not in the memory for adapters. */
        ADAPTER_INVALID
    }

    ModelUnavailableException(Code code, String message) {
        super(message);
        this.code = code;
    }

    /** Why, for programs. */
    public Code code() {
        return code;
    }
}
