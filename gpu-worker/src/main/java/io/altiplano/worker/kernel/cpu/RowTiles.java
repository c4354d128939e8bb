package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.AttentionRows;

/** Cuts a batch's rows into tiles of neighbours of one sequence, which read the same keys and values. */
public final class RowTiles {
    private AttentionRows batch = new AttentionRows(0, new int[0], new int[0], new int[0][]);
    private int[] from = new int[1];

    /** Rows {@code [from, end)} of a batch. */
    public record Tile(AttentionRows batch, int from, int end) {
        /** KV blocks of the rows' sequence. */
        public int[] table() {
            return batch.blockTables()[batch.sequence()[from]];
        }

        /** The last position that a row sees. */
        public int lastPosition() {
            int last = 0;
            for (int m = from; m < end; m++) {
                last = Math.max(last, batch.positions()[m]);
            }
            return last;
        }

        /** Rows. */
        public int rows() {
            return end - from;
        }
    }

    /**
     * Cuts.
     *
     * @param most rows of a tile
     * @return tiles
     */
    public int cut(AttentionRows rows, int most) {
        batch = rows;
        if (from.length <= batch.rows()) {
            from = new int[batch.rows() + 1];
        }
        int tiles = 0;
        for (int m = 0; m < batch.rows(); m++) {
            boolean goesOn =
                    tiles > 0 && m - from[tiles - 1] < most && batch.sequence()[m] == batch.sequence()[from[tiles - 1]];
            if (!goesOn) {
                from[tiles++] = m;
            }
        }
        from[tiles] = batch.rows();
        return tiles;
    }

    /** One of the tiles that were cut last. */
    public Tile get(int tile) {
        return new Tile(batch, from[tile], from[tile + 1]);
    }
}
