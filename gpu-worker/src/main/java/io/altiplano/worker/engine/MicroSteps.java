package io.altiplano.worker.engine;

import io.altiplano.worker.engine.SharedWork.End;
import io.altiplano.worker.engine.SharedWork.Place;
import io.altiplano.worker.engine.SharedWork.Reason;
import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.KvStorage;
import io.altiplano.worker.model.LlamaModel;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;

/**
 * The works that share an engine, in turns. While there are answers each of their steps earns a quarter of its time for one of these
 * micro-steps, and a micro-step spends what it took: a fifth of all time is theirs, and never more than {@link Pace#LONGEST} at a
 * time. For the engine's thread.
 */
final class MicroSteps {
    private static final Logger LOG = System.getLogger(MicroSteps.class.getName());
    /** An answer's time for each of theirs. */
    private static final int ANSWERS_SHARE = 4;

    private final BlockPool pool;
    private final LlamaModel model;
    private final KvStorage storage;
    private final LongSupplier nanoTime;
    private final Deque<Running> works = new ArrayDeque<>();
    private long earned;

    private record Running(SharedWork work, Place place, Pace pace) {}

    MicroSteps(BlockPool pool, LlamaModel model, KvStorage storage, LongSupplier nanoTime) {
        this.pool = pool;
        this.model = model;
        this.storage = storage;
        this.nanoTime = nanoTime;
    }

    /** Whether no work is there. */
    boolean isEmpty() {
        return works.isEmpty();
    }

    /**
     * Takes a work in, if its memory is free and what is left suffices for every answer that is there.
     *
     * @param largest KV blocks that the largest of them may come to hold
     */
    void begin(SharedWork work, int largest) {
        int wanted;
        try {
            wanted = work.blocks();
        } catch (Throwable e) {
            failed(work, e);
            return;
        }
        int left = pool.total() - pool.reserved() - wanted;
        if (wanted < 0 || wanted > pool.free() || left < Math.max(1, largest)) {
            end(
                    work,
                    Reason.REFUSED,
                    "%d KV blocks are not to be had: %d of %d are free, and an answer may need %d"
                            .formatted(wanted, pool.free(), pool.total(), largest));
            return;
        }
        works.add(new Running(work, new Place(model, storage, pool.reserve(wanted)), new Pace()));
    }

    /**
     * Does a micro-step if it is time for one.
     *
     * @param answered what the engine's step before took; 0 if there was none, and then it is time
     * @return what it took; 0 if there was none
     */
    long after(long answered) {
        earned = answered == 0 ? 1 : Math.min(earned + answered / ANSWERS_SHARE, Pace.LONGEST);
        if (works.isEmpty() || earned <= 0) {
            return 0;
        }
        Running next = works.removeFirst();
        long start = nanoTime.getAsLong();
        if (step(next, start)) {
            works.addLast(next);
        }
        long took = Math.max(1, nanoTime.getAsLong() - start);
        earned -= took;
        return took;
    }

    /** Whether the work goes on. */
    private boolean step(Running running, long start) {
        int most = running.pace.most();
        try {
            int done = running.work.step(running.place, most);
            if (done < 0 || done > most) {
                throw new IllegalStateException("a micro-step of at most " + most + " units did " + done);
            }
            if (done == 0) {
                over(running, Reason.DONE, "");
                return false;
            }
            if (!running.pace.took(done, nanoTime.getAsLong() - start)) {
                over(
                        running,
                        Reason.FAILED,
                        "a single unit takes longer than the " + Pace.LONGEST / 1_000_000
                                + " ms of a micro-step: give it a pool of its own");
                return false;
            }
            return true;
        } catch (Throwable e) {
            // It is another's work: whatever it throws is its end alone.
            pool.unreserve(running.place.blocks());
            failed(running.work, e);
            return false;
        }
    }

    private static void failed(SharedWork work, Throwable e) {
        LOG.log(Level.ERROR, "event=micro_step_failed", e);
        end(work, Reason.FAILED, "it failed: " + e);
    }

    /** Ends all, as the engine does. */
    void stop(String why) {
        while (!works.isEmpty()) {
            over(works.removeFirst(), Reason.STOPPED, why);
        }
    }

    private void over(Running running, Reason reason, String message) {
        pool.unreserve(running.place.blocks());
        end(running.work, reason, message);
    }

    private static void end(SharedWork work, Reason reason, String message) {
        try {
            work.ended(new End(reason, message));
        } catch (Throwable e) {
            LOG.log(Level.ERROR, "event=shared_work_end_failed", e);
        }
    }
}
