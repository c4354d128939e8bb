package io.altiplano.worker.batch;

import io.altiplano.worker.kvcache.BlockPool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Decides what each step computes. There is no prefill and no decoding here: a sequence has tokens, some of them computed, and
 * every step lets the computed ones catch up, under a budget of tokens. A prompt that exceeds the budget takes several
 * steps; a sequence with one token to go is served first, so a long prompt never holds up the answers beside it.
 *
 * <p>A sequence is admitted, in order of arrival, when the pool has blocks for all it knows and one token more; of a
 * beginning that another has computed, it takes those blocks. When a running
 * sequence needs a block and none is free, the latest arrival is preempted: it gives all its blocks back and later computes
 * its tokens again, but for those whose blocks are still
 * there. The oldest is never preempted for another, so work always goes on.
 *
 * <p>Invariant: running sequences stand in order of arrival, and each arrived before all that wait. For one thread.
 */
public final class Batch {
    private final BlockPool pool;
    private final BatchLimits limits;
    private final List<Sequence> running = new ArrayList<>();
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private long preemptions;

    /** An empty batch over a pool. */
    public Batch(BlockPool pool, BatchLimits limits) {
        this.pool = pool;
        this.limits = limits;
    }

    /** Adds a sequence to the end of the queue. */
    public void add(Sequence sequence) {
        waiting.addLast(sequence);
    }

    /** Takes a sequence out, wherever it is, and gives its blocks back. */
    public void remove(Sequence sequence) {
        if (!running.remove(sequence)) {
            waiting.remove(sequence);
        }
        sequence.release();
    }

    /** Whether nothing runs or waits. */
    public boolean isEmpty() {
        return running.isEmpty() && waiting.isEmpty();
    }

    /** Sequences that hold blocks. */
    public int running() {
        return running.size();
    }

    /** Sequences that wait for blocks or a place. */
    public int waiting() {
        return waiting.size();
    }

    /** Sequences that were preempted so far. */
    public long preemptions() {
        return preemptions;
    }

    /**
     * The next step's work; its tokens count as computed from now on. Empty only if the batch is.
     *
     * @throws IllegalStateException if a sequence alone does not fit the pool; such a one must not be added
     */
    public List<Slice> plan() {
        List<Slice> slices = new ArrayList<>();
        int budget = limits.tokens();
        boolean scarce = false;
        for (Sequence sequence : List.copyOf(running)) {
            if (sequence.pending() == 1 && running.contains(sequence)) {
                scarce |= !makeRoom(sequence);
                if (running.contains(sequence)) {
                    budget -= slice(sequence, budget, slices);
                }
            }
        }
        for (Sequence sequence : running) {
            if (sequence.pending() > 0 && budget > 0) {
                budget -= slice(sequence, budget, slices);
            }
        }
        while (!scarce && budget > 0 && running.size() < limits.sequences() && !waiting.isEmpty()) {
            Sequence next = waiting.getFirst();
            if (!next.admit()) {
                break;
            }
            waiting.removeFirst();
            running.add(next);
            budget -= slice(next, budget, slices);
        }
        if (slices.isEmpty() && !isEmpty()) {
            throw new IllegalStateException("a sequence of "
                    + waiting.getFirst().length() + " tokens does not fit a pool of " + pool.total() + " KV blocks");
        }
        return slices;
    }

    /** Gives a running sequence room for its last token; false if that took preemptions (perhaps its own). */
    private boolean makeRoom(Sequence sequence) {
        boolean plenty = true;
        while (!sequence.reserve(sequence.length())) {
            plenty = false;
            Sequence victim = running.getLast();
            running.removeLast();
            victim.release();
            waiting.addFirst(victim);
            preemptions++;
            if (victim == sequence) {
                break;
            }
        }
        return plenty;
    }

    private static int slice(Sequence sequence, int budget, List<Slice> slices) {
        int count = Math.min(sequence.pending(), budget);
        boolean reachesEnd = count == sequence.pending();
        slices.add(new Slice(sequence, sequence.computed(), count, reachesEnd));
        sequence.advance(count);
        return count;
    }
}
