package io.altiplano.worker.collective;

/**
 * One rank's view of its group. A rank writes its contribution to {@link #buffer}, then calls a collective; all ranks call the
 * same ones in the same order. The result stays valid until the rank's next call of {@link #buffer}.
 *
 * <p>All-reduce is recursive doubling: in step d every rank adds the buffer of rank {@code r ^ d} to its own, so that the sum
 * is the same binary tree on every rank, the one of {@link io.altiplano.worker.kernel.ReductionOrder}.
 *
 * <p>Each step costs one barrier. Buffers alternate: what is published in step n is read by others before they arrive at step
 * n+1, and overwritten by its owner in step n+2 at the earliest.
 */
public final class Collectives {
    private final int rank;
    private final Collectives[] all;
    private final RankBarrier barrier;
    private final float[][] buffers = {new float[0], new float[0]};
    private int current;
    private long operations;

    Collectives(int rank, Collectives[] all, RankBarrier barrier) {
        this.rank = rank;
        this.all = all;
        this.barrier = barrier;
    }

    /** This rank's number. */
    public int rank() {
        return rank;
    }

    /** Ranks in the group. */
    public int size() {
        return all.length;
    }

    /** Where to write the next contribution of {@code count} floats. */
    public float[] buffer(int count) {
        return sized(current, count);
    }

    /** The sum over ranks of the first {@code count} floats of their buffers. */
    public float[] allReduceSum(int count) {
        operations++;
        for (int distance = 1; distance < all.length; distance *= 2) {
            float[] mine = buffers[current];
            float[] theirs = exchange(distance);
            float[] sum = sized(current, count);
            for (int i = 0; i < count; i++) {
                sum[i] = mine[i] + theirs[i];
            }
        }
        return buffers[current];
    }

    /** The maximum over ranks of the first {@code count} floats of their buffers; NaN if any is NaN. */
    public float[] allReduceMax(int count) {
        operations++;
        for (int distance = 1; distance < all.length; distance *= 2) {
            float[] mine = buffers[current];
            float[] theirs = exchange(distance);
            float[] max = sized(current, count);
            for (int i = 0; i < count; i++) {
                max[i] = Math.max(mine[i], theirs[i]);
            }
        }
        return buffers[current];
    }

    /** Shows every rank's buffer to every rank; element r of the result is rank r's. */
    public float[][] allGather() {
        operations++;
        float[][] shown = new float[all.length][];
        int published = publish();
        for (int r = 0; r < all.length; r++) {
            shown[r] = all[r].buffers[published];
        }
        return shown;
    }

    /** Waits until every rank is here. */
    public void barrier() {
        operations++;
        publish();
    }

    long operations() {
        return operations;
    }

    void reset() {
        current = 0;
    }

    private float[] exchange(int distance) {
        int published = publish();
        return all[rank ^ distance].buffers[published];
    }

    /** Arrives with the current buffer and turns to the other one; returns the index of the published one. */
    private int publish() {
        int published = current;
        barrier.await(rank);
        current = 1 - current;
        return published;
    }

    private float[] sized(int index, int count) {
        if (buffers[index].length < count) {
            buffers[index] = new float[count];
        }
        return buffers[index];
    }
}
