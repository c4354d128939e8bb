package io.altiplano.worker.engine;

/** Hears of each step of each model, on that model's engine thread. */
@FunctionalInterface
public interface ModelObserver {
    /** As {@link EngineObserver#stepped}. */
    void stepped(String model, StepReport report);

    /** As {@link EngineObserver#shared}. */
    default void shared(String model, long nanos) {}
}
