package io.altiplano.worker.kernel.nativecpu;

/** The native kernels cannot be used here; the message says why. */
public final class NativeUnavailableException extends Exception {
    private static final long serialVersionUID = 1L;

    /** @param message the reason */
    public NativeUnavailableException(String message) {
        super(message);
    }
}
