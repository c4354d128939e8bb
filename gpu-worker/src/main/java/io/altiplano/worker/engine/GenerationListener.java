package io.altiplano.worker.engine;

/** Hears of one answer, on the engine's thread: must return at once. */
@FunctionalInterface
public interface GenerationListener {
    /** A step's additions; the last call carries an ending. */
    void progressed(Progress progress);
}
