package io.altiplano.worker.model;

import io.altiplano.worker.collective.Collectives;
import io.altiplano.worker.kernel.RankKernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A batch's rows by adapter, and what adapters add to a projection. Rows of one adapter are gathered and multiplied together; since a
 * row's product does not depend on its neighbours, what else is in the batch changes no bit.
 */
final class LoraRows {
    private final List<Group> groups;

    /** Rows that use one adapter. */
    private record Group(LoraAdapter adapter, int[] rows) {}

    /** What A made of a group's rows, for B to go on with: [rows, rank]. */
    record Inner(LoraAdapter.Pair pair, int[] rows, float[] values) {}

    private LoraRows(List<Group> groups) {
        this.groups = groups;
    }

    /**
     * @param adapters of each sequence, null for none
     * @param sequence of each row
     */
    static LoraRows of(@Nullable LoraAdapter[] adapters, int[] sequence) {
        Map<LoraAdapter, List<Integer>> byAdapter = new LinkedHashMap<>();
        for (int row = 0; row < sequence.length; row++) {
            LoraAdapter adapter = adapters[sequence[row]];
            if (adapter != null) {
                byAdapter.computeIfAbsent(adapter, a -> new ArrayList<>()).add(row);
            }
        }
        List<Group> groups = new ArrayList<>();
        byAdapter.forEach((adapter, rows) ->
                groups.add(new Group(adapter, rows.stream().mapToInt(r -> r).toArray())));
        return new LoraRows(groups);
    }

    /** The groups of some of the rows, numbered by their place among them. */
    LoraRows select(int[] chosen) {
        List<Group> selected = new ArrayList<>();
        for (Group group : groups) {
            int[] places = IntStream.range(0, chosen.length)
                    .filter(i -> Arrays.binarySearch(group.rows, chosen[i]) >= 0)
                    .toArray();
            if (places.length > 0) {
                selected.add(new Group(group.adapter, places));
            }
        }
        return new LoraRows(selected);
    }

    boolean none() {
        return groups.isEmpty();
    }

    /**
     * A times the inputs of each group that adapts this projection; to be taken before the inputs are quantized in place.
     *
     * @param width of the inputs on this rank
     */
    List<Inner> inner(
            int rank,
            RankKernels kernels,
            Function<LoraAdapter.Share, LoraAdapter.@Nullable Pair> pick,
            float[] in,
            int width) {
        List<Inner> inner = new ArrayList<>();
        for (Group group : groups) {
            LoraAdapter.Pair pair = pick.apply(group.adapter.share(rank));
            if (pair == null) {
                continue;
            }
            float[] gathered = new float[group.rows.length * width];
            for (int i = 0; i < group.rows.length; i++) {
                System.arraycopy(in, group.rows[i] * width, gathered, i * width, width);
            }
            float[] values = new float[group.rows.length * pair.a().rows()];
            kernels.matmul(pair.a(), gathered, group.rows.length, values);
            inner.add(new Inner(pair, group.rows, values));
        }
        return inner;
    }

    /** Sums what A made on each rank of inputs that are split over them. */
    static void allReduce(List<Inner> inner, Collectives comm) {
        for (Inner one : inner) {
            int count = one.values.length;
            System.arraycopy(one.values, 0, comm.buffer(count), 0, count);
            System.arraycopy(comm.allReduceSum(count), 0, one.values, 0, count);
        }
    }

    /** Adds scale B (A x) to the rows' outputs, which begin at {@code offset} in rows of {@code stride} floats. */
    static void add(List<Inner> inner, RankKernels kernels, float[] out, int stride, int offset) {
        for (Inner one : inner) {
            int outputs = one.pair.b().rows();
            float[] product = new float[one.rows.length * outputs];
            kernels.matmul(one.pair.b(), one.values, one.rows.length, product);
            for (int i = 0; i < one.rows.length; i++) {
                int to = one.rows[i] * stride + offset;
                for (int n = 0; n < outputs; n++) {
                    out[to + n] += one.pair.scale() * product[i * outputs + n];
                }
            }
        }
    }
}
