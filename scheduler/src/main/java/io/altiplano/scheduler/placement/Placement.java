package io.altiplano.scheduler.placement;

import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.fleet.Worker;
import java.util.List;
import java.util.Optional;

/**
 * Chooses a worker for one job. A job's need of KV blocks is an upper bound, so a worker that holds nothing takes any job
 * that no larger worker of the pool could: otherwise a job whose bound is above every worker's size would wait for ever.
 *
 * <p>For an interactive job there is room too where jobs that yield have it: the worker lets them give way between two steps and
 * takes them up again when there is room. So a worker may hold as many jobs that yield as it has places, and as many others.
 *
 * <p>Of the workers with room, in this order: one that has the model; one where nobody has to give way; on a retry, one that
 * computes the same bits; not a hot one; one that has the adapter (else one with the fewest adapters, which has the most room for another); the longest part
 * of the prompt in its prefix cache; the least loaded; the most free blocks.
 */
public final class Placement {
    /** Tokens a KV block holds. */
    public static final int BLOCK_TOKENS = 16;

    /** A worker so full is hot while another is emptier by {@link #HOT_GAP}: it is spared, whatever it has cached. */
    private static final double HOT = 0.75;

    private static final double HOT_GAP = 0.5;

    private Placement() {}

    /** KV blocks that a job of an estimated cost in tokens may need at most. */
    public static long blocksFor(long costTokens) {
        return Math.ceilDiv(Math.max(costTokens, 1), BLOCK_TOKENS);
    }

    /** The worker for a job, if any has room. */
    public static Optional<Candidate> choose(List<Candidate> candidates, Demand demand) {
        long largest = 0;
        double least = Double.MAX_VALUE;
        for (Candidate c : candidates) {
            largest = Math.max(largest, c.worker().beat().getTotalKvBlocks());
            least = Math.min(least, load(c));
        }
        Rated best = null;
        for (Candidate c : candidates) {
            boolean fits = fits(c, demand.blocks(), largest);
            if (fits || demand.interactive() && fitsBeforeOthers(c, demand.blocks(), largest)) {
                Rated rated = Rated.of(c, demand, least, !fits);
                best = best == null || rated.betterThan(best) ? rated : best;
            }
        }
        return Optional.ofNullable(best).map(Rated::candidate);
    }

    /** Of some workers, those that could never be given a job of so many blocks while the larger ones are there. */
    public static List<Worker> tooSmall(List<Worker> workers, long blocks) {
        long largest = workers.stream()
                .mapToLong(w -> w.beat().getTotalKvBlocks())
                .max()
                .orElse(0);
        return workers.stream()
                .filter(w -> w.beat().getTotalKvBlocks() < Math.min(blocks, largest))
                .toList();
    }

    /** What is compared, computed once a worker. */
    private record Rated(
            Candidate candidate,
            boolean lacksModel,
            boolean preempts,
            boolean otherBits,
            boolean hot,
            boolean lacksAdapter,
            int adapters,
            int matches,
            double load,
            long free) {
        /** Written out, not composed: this is run for each worker at each grant. */
        boolean betterThan(Rated other) {
            int order = Boolean.compare(lacksModel, other.lacksModel);
            order = order != 0 ? order : Boolean.compare(preempts, other.preempts);
            order = order != 0 ? order : Boolean.compare(otherBits, other.otherBits);
            order = order != 0 ? order : Boolean.compare(hot, other.hot);
            order = order != 0 ? order : Boolean.compare(lacksAdapter, other.lacksAdapter);
            order = order != 0 ? order : Integer.compare(adapters, other.adapters);
            order = order != 0 ? order : Integer.compare(other.matches, matches);
            order = order != 0 ? order : Double.compare(load, other.load);
            order = order != 0 ? order : Long.compare(other.free, free);
            order = order != 0
                    ? order
                    : candidate.worker().id().compareTo(other.candidate.worker().id());
            return order < 0;
        }

        static Rated of(Candidate c, Demand demand, double leastLoad, boolean preempts) {
            WorkerHeartbeat beat = c.worker().beat();
            boolean lacksAdapter =
                    !demand.adapter().isEmpty() && !beat.getAdaptersList().contains(demand.adapter());
            double load = Placement.load(c);
            return new Rated(
                    c,
                    !beat.getModelsList().contains(demand.model()),
                    preempts,
                    !demand.fingerprint().isEmpty() && !demand.fingerprint().equals(beat.getNumericsFingerprint()),
                    load >= HOT && load - leastLoad >= HOT_GAP,
                    lacksAdapter,
                    lacksAdapter ? beat.getAdaptersCount() : 0,
                    c.worker().cached().matches(demand.prefixes()),
                    load,
                    freeBlocks(c));
        }
    }

    /** Promised and waiting sequences for each place: above 1 where the worker has a queue of its own. */
    private static double load(Candidate c) {
        return (double) (c.leases() + c.worker().beat().getQueued())
                / Math.max(1, c.worker().beat().getCapacity());
    }

    private static boolean fits(Candidate c, long blocks, long largest) {
        WorkerHeartbeat beat = c.worker().beat();
        if (c.leases() >= beat.getCapacity() || beat.getTotalKvBlocks() < Math.min(blocks, largest)) {
            return false;
        }
        boolean empty = c.leases() == 0 && beat.getRunningCount() == 0;
        return empty || blocks <= freeBlocks(c);
    }

    /** Whether it fits once all that yield have given way. What they hold now is not known, so promises alone count. */
    private static boolean fitsBeforeOthers(Candidate c, long blocks, long largest) {
        WorkerHeartbeat beat = c.worker().beat();
        int others = c.leases() - c.yieldingLeases();
        if (c.yieldingLeases() == 0
                || others >= beat.getCapacity()
                || beat.getTotalKvBlocks() < Math.min(blocks, largest)) {
            return false;
        }
        boolean empty = others == 0 && beat.getRunningCount() <= c.yieldingLeases();
        return empty || blocks <= beat.getTotalKvBlocks() - (c.committedBlocks() - c.yieldingBlocks());
    }

    private static long freeBlocks(Candidate c) {
        long byPromise = c.worker().beat().getTotalKvBlocks() - c.committedBlocks();
        long byReport = c.worker().beat().getFreeKvBlocks() - c.unseenBlocks();
        return Math.min(byPromise, byReport);
    }
}
