package io.altiplano.scheduler.placement;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Chooses a worker for one job. A job's need of KV blocks is an upper bound, so a worker that holds nothing takes any job:
 * otherwise a job whose bound is above every worker's size would wait for ever.
 */
public final class Placement {
    /** Tokens a KV block holds. */
    public static final int BLOCK_TOKENS = 16;

    private Placement() {}

    /** KV blocks that a job of an estimated cost in tokens may need at most. */
    public static long blocksFor(long costTokens) {
        return Math.ceilDiv(Math.max(costTokens, 1), BLOCK_TOKENS);
    }

    /** The worker for a job of a model that needs so many blocks: one that has the model, then the least loaded. */
    public static Optional<Candidate> choose(List<Candidate> candidates, String model, long blocks) {
        return candidates.stream()
                .filter(c -> fits(c, blocks))
                .min(Comparator.comparing((Candidate c) ->
                                !c.worker().beat().getModelsList().contains(model))
                        .thenComparingDouble(
                                c -> (double) c.leases() / c.worker().beat().getCapacity())
                        .thenComparing(
                                Comparator.comparingLong(Placement::freeBlocks).reversed())
                        .thenComparing(c -> c.worker().id()));
    }

    private static boolean fits(Candidate c, long blocks) {
        if (c.leases() >= c.worker().beat().getCapacity()) {
            return false;
        }
        boolean empty = c.leases() == 0 && c.worker().beat().getRunningCount() == 0;
        return empty || blocks <= freeBlocks(c);
    }

    private static long freeBlocks(Candidate c) {
        long byPromise = c.worker().beat().getTotalKvBlocks() - c.committedBlocks();
        long byReport = c.worker().beat().getFreeKvBlocks() - c.unseenBlocks();
        return Math.min(byPromise, byReport);
    }
}
