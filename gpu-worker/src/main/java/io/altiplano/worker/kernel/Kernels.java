package io.altiplano.worker.kernel;

/** One arithmetic backend: the operations of a Llama forward pass on one rank's share. */
public interface Kernels {
    /** The backend's name in the numerics fingerprint, such as {@code reference}. */
    String name();
}
