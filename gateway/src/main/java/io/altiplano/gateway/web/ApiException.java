package io.altiplano.gateway.web;

/** Ends a request with an {@link ApiError}. It is an answer, not a fault: it carries no stack trace and is not logged. */
public final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient ApiError error;

    public ApiException(ApiError error) {
        super(error.message(), null, false, false);
        this.error = error;
    }

    /** The answer. */
    public ApiError error() {
        return error;
    }
}
