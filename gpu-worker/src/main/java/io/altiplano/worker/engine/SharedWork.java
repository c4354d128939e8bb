package io.altiplano.worker.engine;

import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.model.LlamaModel;

/**
 * Work that shares an engine with answers, as training does where it has no pool of its own. It is done between the engine's steps in
 * micro-steps of at most 50 ms ({@link Pace#LONGEST}), so that an answer waits for one of them at most; while there are answers
 * it gets a fifth of the time. Its memory is reserved before it begins: no answer takes it, and it takes none of theirs.
 */
public interface SharedWork {
    /** KV blocks that it holds for as long as it shares the engine; 0 for none. */
    int blocks();

    /**
     * Does some of it, on the engine's thread.
     *
     * @param most units to do at most. A unit is the smallest piece that the work can be cut into, such as a token's row; what units
     *     cost is measured, and should not grow by more than a fifth from one micro-step to the next
     * @return units done, 1 to most; 0 if nothing is left
     */
    int step(Place place, int most);

    /** It is over and is not stepped again; called once, on the engine's thread. */
    void ended(End end);

    /**
     * Where it works.
     *
     * @param model which nobody else uses meanwhile
     * @param storage of the answers' keys and values too
     * @param blocks the ids of those that are its own
     */
    record Place(LlamaModel model, KvStorage storage, int[] blocks) {}

    /**
     * How it ended.
     *
     * @param message what to do about it; empty for {@link Reason#DONE}
     */
    record End(Reason reason, String message) {}

    /** Why it ended. */
    enum Reason {
        /** Nothing is left to do. */
        DONE,
        /** There is no memory for it beside the answers; it never began. */
        REFUSED,
        /** It threw, or a single unit of it takes longer than a micro-step may. */
        FAILED,
        /** The engine has stopped. */
        STOPPED
    }
}
