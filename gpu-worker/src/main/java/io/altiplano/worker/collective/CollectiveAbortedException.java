package io.altiplano.worker.collective;

/** Another rank failed, so this one's collective operation cannot finish. Its cause is the other rank's failure. */
public final class CollectiveAbortedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CollectiveAbortedException() {
        super("another rank failed", null, false, false);
    }
}
