package io.altiplano.worker.weights;

import io.altiplano.worker.tensor.FloatRows;
import java.util.List;

/** Parts of matrices, and matrices put under each other: views, nothing is copied. */
public final class Shards {
    private Shards() {}

    /** Rows {@code from..from+count-1}. */
    public static FloatRows rows(FloatRows whole, int from, int count) {
        return new Window(whole, from, count, 0, whole.columns());
    }

    /** Columns {@code from..from+count-1}. */
    public static FloatRows columns(FloatRows whole, int from, int count) {
        return new Window(whole, 0, whole.rows(), from, count);
    }

    /** The parts one under the other; they must have equal columns. */
    public static FloatRows stack(List<FloatRows> parts) {
        for (FloatRows part : parts) {
            if (part.columns() != parts.getFirst().columns()) {
                throw new IllegalArgumentException("Stacked matrices differ in columns");
            }
        }
        return new Stack(List.copyOf(parts));
    }

    private record Window(FloatRows whole, int fromRow, int rows, int fromColumn, int columns) implements FloatRows {
        private Window {
            if (fromRow < 0
                    || rows < 0
                    || fromRow + rows > whole.rows()
                    || fromColumn < 0
                    || columns < 0
                    || fromColumn + columns > whole.columns()) {
                throw new IllegalArgumentException("Rows %d+%d, columns %d+%d are not within [%d, %d]"
                        .formatted(fromRow, rows, fromColumn, columns, whole.rows(), whole.columns()));
            }
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            whole.read(fromRow + row, fromColumn + from, count, out, offset);
        }
    }

    private record Stack(List<FloatRows> parts) implements FloatRows {
        @Override
        public int rows() {
            return parts.stream().mapToInt(FloatRows::rows).sum();
        }

        @Override
        public int columns() {
            return parts.getFirst().columns();
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            int r = row;
            for (FloatRows part : parts) {
                if (r < part.rows()) {
                    part.read(r, from, count, out, offset);
                    return;
                }
                r -= part.rows();
            }
            throw new IndexOutOfBoundsException(row);
        }
    }
}
