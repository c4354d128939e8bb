package io.altiplano.gateway.db;

/** PostgreSQL could not be reached, or had no connection to give in time. The same work may succeed a moment later. */
public final class DatabaseUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DatabaseUnavailableException(Throwable cause) {
        super("PostgreSQL is not available: " + cause.getMessage(), cause);
    }
}
