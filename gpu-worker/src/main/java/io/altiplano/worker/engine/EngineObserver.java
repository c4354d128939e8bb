package io.altiplano.worker.engine;

/** Hears of each step, on the engine's thread, after the listeners of that step. */
@FunctionalInterface
public interface EngineObserver {
    /** A step, or a round of commands without one, is over. */
    void stepped(StepReport report);

    /** A micro-step of a {@link SharedWork} is over, which took so many nanoseconds. */
    default void shared(long nanos) {}
}
