package io.altiplano.worker.kernel;

/**
 * Which slices of a matrix product's inner dimension a rank owns; see {@link ReductionOrder}.
 *
 * @param columns the whole matrix's columns, K
 * @param first the first slice owned
 * @param count slices owned: 8, 4, 2 or 1
 */
public record Slicing(int columns, int first, int count) {
    public Slicing {
        if (columns <= 0
                || Integer.bitCount(count) != 1
                || count > ReductionOrder.SLICES
                || first % count != 0
                || first < 0
                || first + count > ReductionOrder.SLICES) {
            throw new IllegalArgumentException(
                    "No slices %d..%d of %d columns".formatted(first, first + count - 1, columns));
        }
    }

    /** All slices of a matrix with this many columns. */
    public static Slicing whole(int columns) {
        return new Slicing(columns, 0, ReductionOrder.SLICES);
    }

    /**
     * The share of one rank of a column-split matrix.
     *
     * @throws IllegalArgumentException if the ranks' equal shares of the columns do not fall on slice borders
     */
    public static Slicing share(int columns, int rank, int ranks) {
        if (ranks > 1 && columns % ReductionOrder.SLICES != 0) {
            throw new IllegalArgumentException("%d columns do not divide into %d slices, so %d ranks cannot share them"
                    .formatted(columns, ReductionOrder.SLICES, ranks));
        }
        int count = ReductionOrder.SLICES / ranks;
        return new Slicing(columns, rank * count, count);
    }

    /** Columns of a slice, S; the last slices may reach beyond {@link #columns}. */
    public int length() {
        return (columns + ReductionOrder.SLICES - 1) / ReductionOrder.SLICES;
    }

    /** The first column owned, of the whole matrix. */
    public int from() {
        return Math.min(columns, first * length());
    }

    /** Columns owned that exist. */
    public int localColumns() {
        return Math.min(columns, (first + count) * length()) - from();
    }
}
