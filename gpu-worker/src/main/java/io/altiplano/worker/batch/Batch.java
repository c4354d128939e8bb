package io.altiplano.worker.batch;

import io.altiplano.worker.kvcache.BlockPool;
import io.altiplano.worker.kvcache.BlockTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Decides what each step computes. There is no prefill and no decoding here: a sequence has tokens, some of them computed, and
 * every step lets the computed ones catch up, under a budget of tokens. A prompt that exceeds the budget takes several
 * steps; a sequence with one token to go is served first, so a long prompt never holds up the answers beside it.
 *
 * <p>A sequence is admitted, in order of arrival, when there is a place and the pool has blocks for all it knows and one token
 * more; of a beginning that another has computed, it takes those blocks. When a running sequence needs a block and none is
 * free, the latest arrival is preempted: it gives all its blocks back and later computes its tokens again, but for those
 * whose blocks are still there.
 *
 * <p>Two kinds of sequences: those that yield (batch jobs, whose tokens nobody waits for one by one) and those that do not. All
 * that is said above holds within a kind; between them, those that yield come last everywhere. They are served what the others
 * leave of a step's budget, they are preempted first, and for a newcomer that does not yield they give up places and blocks
 * too, between two steps. A preempted sequence chooses the same tokens as in peace, since arithmetic does not depend on the batch.
 *
 * <p>Of the sequences that are there the first is never preempted for another, so work always goes on. That those that yield get
 * on at all is the scheduler's care: it grants no more of the others than their share.
 *
 * <p>Invariant: running sequences stand in order, those that yield behind the others, each kind in order of arrival; and each
 * arrived before all of its kind that wait. For one thread.
 */
public final class Batch {
    private final BlockPool pool;
    private final BatchLimits limits;
    private final List<Sequence> running = new ArrayList<>();
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final Deque<Sequence> yielding = new ArrayDeque<>();
    private long preemptions;

    /** An empty batch over a pool. */
    public Batch(BlockPool pool, BatchLimits limits) {
        this.pool = pool;
        this.limits = limits;
    }

    /** Adds a sequence to the end of the queue of its kind. */
    public void add(Sequence sequence) {
        queue(sequence.yields()).addLast(sequence);
    }

    private Deque<Sequence> queue(boolean yields) {
        return yields ? yielding : waiting;
    }

    /** Takes a sequence out, wherever it is, and gives its blocks back. */
    public void remove(Sequence sequence) {
        if (!running.remove(sequence)) {
            queue(sequence.yields()).remove(sequence);
        }
        sequence.release();
    }

    /** Whether nothing runs or waits. */
    public boolean isEmpty() {
        return running.isEmpty() && waiting.isEmpty() && yielding.isEmpty();
    }

    /** Sequences that hold blocks. */
    public int running() {
        return running.size();
    }

    /** Sequences that wait for blocks or a place. */
    public int waiting() {
        return waiting.size() + yielding.size();
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
        // Whoever is preempted has no slice yet: it stands behind in order, and those that yield are planned last.
        Plan plan = new Plan(slices, limits.tokens());
        plan.serve(false);
        plan.serve(true);
        if (slices.isEmpty() && !isEmpty()) {
            Sequence stuck = waiting.isEmpty() ? yielding.getFirst() : waiting.getFirst();
            throw new IllegalStateException("a sequence of " + stuck.length() + " tokens does not fit a pool of "
                    + pool.total() + " KV blocks");
        }
        return slices;
    }

    /** One step in the making. */
    private final class Plan {
        private final List<Slice> slices;
        private int budget;
        /** Somebody had to be preempted for a running sequence: nobody is admitted in this step. */
        private boolean scarce;

        Plan(List<Slice> slices, int budget) {
            this.slices = slices;
            this.budget = budget;
        }

        /** Those of one kind: who has one token to go, then who has more, then newcomers. */
        void serve(boolean yields) {
            for (Sequence sequence : List.copyOf(running)) {
                if (sequence.yields() == yields
                        && sequence.pending() == 1
                        && budget > 0
                        && running.contains(sequence)) {
                    scarce |= !makeRoom(sequence);
                    if (running.contains(sequence)) {
                        slice(sequence);
                    }
                }
            }
            for (Sequence sequence : running) {
                if (sequence.yields() == yields && sequence.pending() > 0 && budget > 0) {
                    slice(sequence);
                }
            }
            Deque<Sequence> queue = queue(yields);
            while (!scarce && budget > 0 && !queue.isEmpty() && admit(queue.getFirst())) {
                slice(queue.removeFirst());
            }
        }

        private void slice(Sequence sequence) {
            int count = Math.min(sequence.pending(), budget);
            boolean reachesEnd = count == sequence.pending();
            slices.add(new Slice(sequence, sequence.computed(), count, reachesEnd));
            sequence.advance(count);
            budget -= count;
        }
    }

    /** Gives a running sequence room for its last token; false if that took preemptions (perhaps its own). */
    private boolean makeRoom(Sequence sequence) {
        boolean plenty = true;
        while (!sequence.reserve(sequence.length())) {
            plenty = false;
            if (preemptLast() == sequence) {
                break;
            }
        }
        return plenty;
    }

    /** Lets a newcomer run if there is a place and room, which those that yield give up for one that does not. */
    private boolean admit(Sequence next) {
        while (running.size() >= limits.sequences() || !next.admit()) {
            if (next.yields() || !mayGiveWayTo(next)) {
                return false;
            }
            preemptLast();
        }
        running.add(next.yields() ? running.size() : firstYielding(), next);
        return true;
    }

    /** Whether the last that runs yields, and all that yield hold enough blocks (shared ones counted as if they came free). */
    private boolean mayGiveWayTo(Sequence next) {
        List<Sequence> last = running.subList(firstYielding(), running.size());
        int blocks = pool.free() + last.stream().mapToInt(Sequence::held).sum();
        return !last.isEmpty() && BlockTable.blocksFor(next.length() + 1) <= blocks;
    }

    private int firstYielding() {
        int at = running.size();
        while (at > 0 && running.get(at - 1).yields()) {
            at--;
        }
        return at;
    }

    private Sequence preemptLast() {
        Sequence victim = running.removeLast();
        victim.release();
        queue(victim.yields()).addFirst(victim);
        preemptions++;
        return victim;
    }
}
