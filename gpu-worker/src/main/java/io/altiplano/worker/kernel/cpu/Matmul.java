package io.altiplano.worker.kernel.cpu;

import io.altiplano.worker.kernel.WeightType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Products of packed weights with one row (a matrix-vector product, weights widened in registers) or more (weights widened to a
 * block in the first-level cache, then tiles of 2, 4 or 8 rows by 32 outputs). Both follow {@link
 * io.altiplano.worker.kernel.ReductionOrder}: the chain of a slice is carried in one accumulator whatever the blocking, and the
 * slices are added by {@link #tree}.
 */
final class Matmul {
    /** Columns widened at a time; even. */
    private static final int BLOCK = 128;
    /** Panels that share a block of activations while it is in the cache. */
    private static final int PANELS = 4;
    /** Rows whose chains are open at a time. */
    private static final int ROWS = 128;
    /** Multiply-adds below which other threads are not worth waking. */
    private static final long SMALL = 1 << 18;

    private final Team team;
    private final Scratch[] scratch;
    private float[] packed = new float[0];

    private static final class Scratch {
        final float[] widened = new float[BLOCK * PanelMatrix.PANEL];
        float[] sums = new float[0];

        float[] sums(int count) {
            if (sums.length < count) {
                sums = new float[count];
            }
            return sums;
        }
    }

    Matmul(Team team) {
        this.team = team;
        scratch = new Scratch[team.threads()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = new Scratch();
        }
    }

    void run(PanelMatrix w, float[] x, int rows, float[] out) {
        if (rows == 1) {
            packRows(w, x, 1, 1, w.storedLength());
            int groups = (w.panels() + 3) / 4;
            each(w, 1, groups, (group, worker) -> vector(w, group, groups, out, scratch[worker]));
        } else if (rows <= 8 && w.type() == WeightType.F8 && F8Tables.USABLE) {
            int tile = rows <= 2 ? 2 : rows <= 4 ? 4 : 8;
            packRows(w, x, rows, tile, w.storedLength());
            int groups = (w.panels() + 8 / tile - 1) / (8 / tile);
            each(w, rows, groups, (group, worker) -> few(w, group, groups, rows, tile, out, scratch[worker]));
        } else {
            int tile = rows <= 2 ? 2 : rows <= 4 || Lanes.L < 16 ? 4 : 8;
            packRows(w, x, rows, tile, BLOCK);
            // Few rows stay in the cache anyway, and one panel after the other is one stream from memory.
            int together = rows <= 16 ? 1 : PANELS;
            int groups = (w.panels() + together - 1) / together;
            each(w, rows, groups, (group, worker) -> panels(w, group, together, rows, tile, out, scratch[worker]));
        }
    }

    private void each(PanelMatrix w, int rows, int pieces, Team.Body body) {
        if ((long) rows * w.rows() * w.slicing().localColumns() < SMALL) {
            for (int piece = 0; piece < pieces; piece++) {
                body.run(piece, 0);
            }
        } else {
            team.run(pieces, body);
        }
    }

    /**
     * Lays activations out as the tiles read them: slice by slice, in blocks of {@code block} columns, then by tile: [k][row of
     * the tile]. Missing rows and columns are zeros.
     */
    private void packRows(PanelMatrix w, float[] x, int rows, int tile, int block) {
        int slices = w.slicing().count();
        int length = w.slicing().length();
        int stored = w.storedLength();
        int width = w.slicing().localColumns();
        int tiles = (rows + tile - 1) / tile;
        int size = Math.multiplyExact(tiles * tile, slices * stored);
        if (packed.length < size) {
            packed = new float[size];
        }
        for (int s = 0; s < slices; s++) {
            for (int k0 = 0; k0 < stored; k0 += block) {
                int count = Math.min(block, stored - k0);
                int exist = Math.clamp(Math.min(length, width - s * length) - k0, 0, count);
                int base = tiles * tile * (s * stored + k0);
                for (int m = 0; m < tiles * tile; m++) {
                    int to = base + m / tile * tile * count + m % tile;
                    int from = m * width + s * length + k0;
                    int here = m < rows ? exist : 0;
                    for (int k = 0; k < here; k++) {
                        packed[to + k * tile] = x[from + k];
                    }
                    for (int k = here; k < count; k++) {
                        packed[to + k * tile] = 0f;
                    }
                }
            }
        }
    }

    /** Four panels, a quarter of the matrix apart, times one row: as many streams as memory likes. */
    private void vector(PanelMatrix w, int group, int groups, float[] out, Scratch mine) {
        int slices = w.slicing().count();
        int stored = w.storedLength();
        int last = w.panels() - 1;
        float[] sums = mine.sums(slices * 4 * PanelMatrix.PANEL);
        for (int s = 0; s < slices; s++) {
            long slice = s * w.sliceBytes();
            long p0 = group * w.panelBytes() + slice;
            long p1 = Math.min(last, groups + group) * w.panelBytes() + slice;
            long p2 = Math.min(last, 2 * groups + group) * w.panelBytes() + slice;
            long p3 = Math.min(last, 3 * groups + group) * w.panelBytes() + slice;
            int to = s * 4 * PanelMatrix.PANEL;
            switch (w.type()) {
                case F8 -> Tiles.gemvF8(w.memory(), p0, p1, p2, p3, stored, packed, s * stored, sums, to);
                case BF16 -> Tiles.gemvBf16(w.memory(), p0, p1, p2, p3, stored, packed, s * stored, sums, to);
                case F32 -> Tiles.gemvF32(w.memory(), p0, p1, p2, p3, stored, packed, s * stored, sums, to);
            }
        }
        tree(sums, 0, slices, 4 * PanelMatrix.PANEL);
        for (int i = 0; i < 4; i++) {
            int panel = i * groups + group;
            if (panel <= last) {
                store(w, sums, i * PanelMatrix.PANEL, panel, out, 0);
            }
        }
    }

    /** Four, two or one panel, as far apart as can be, times 2, 4 or 8 rows. */
    private void few(PanelMatrix w, int group, int groups, int rows, int tile, float[] out, Scratch mine) {
        int slices = w.slicing().count();
        int stored = w.storedLength();
        int last = w.panels() - 1;
        int together = 8 / tile;
        int chain = tile * PanelMatrix.PANEL;
        float[] sums = mine.sums(together * slices * chain);
        MemorySegment memory = w.memory();
        for (int s = 0; s < slices; s++) {
            long slice = s * w.sliceBytes();
            long p0 = group * w.panelBytes() + slice;
            long p1 = Math.min(last, groups + group) * w.panelBytes() + slice;
            long p2 = Math.min(last, 2 * groups + group) * w.panelBytes() + slice;
            long p3 = Math.min(last, 3 * groups + group) * w.panelBytes() + slice;
            int x = tile * s * stored;
            int t0 = s * chain;
            int t1 = (slices + s) * chain;
            int t2 = (2 * slices + s) * chain;
            int t3 = (3 * slices + s) * chain;
            switch (tile) {
                case 2 -> F8Rows.rows2(memory, p0, p1, p2, p3, stored, packed, x, sums, t0, t1, t2, t3);
                case 4 -> F8Rows.rows4(memory, p0, p1, stored, packed, x, sums, t0, t1);
                default -> F8Rows.rows8(memory, p0, stored, packed, x, sums, t0);
            }
        }
        for (int p = 0; p < together; p++) {
            int panel = p * groups + group;
            if (panel <= last) {
                tree(sums, p * slices * chain, slices, chain);
                for (int m = 0; m < rows; m++) {
                    store(w, sums, p * slices * chain + m * PanelMatrix.PANEL, panel, out, m);
                }
            }
        }
    }

    /** A few panels times all rows, {@link #ROWS} at a time. */
    private void panels(PanelMatrix w, int group, int together, int rows, int tile, float[] out, Scratch mine) {
        int slices = w.slicing().count();
        int from = group * together;
        int to = Math.min(w.panels(), from + together);
        int tiles = (rows + tile - 1) / tile;
        int open = Math.min(tiles, ROWS / tile);
        int chain = tile * PanelMatrix.PANEL;
        float[] sums = mine.sums(together * open * slices * chain);
        for (int first = 0; first < tiles; first += open) {
            int end = Math.min(tiles, first + open);
            for (int s = 0; s < slices; s++) {
                slice(w, s, from, to, tile, tiles, first, end, open, sums, mine);
            }
            for (int panel = from; panel < to; panel++) {
                for (int t = first; t < end; t++) {
                    int at = ((panel - from) * open + t - first) * slices * chain;
                    tree(sums, at, slices, chain);
                    for (int i = 0; i < tile && t * tile + i < rows; i++) {
                        store(w, sums, at + i * PanelMatrix.PANEL, panel, out, t * tile + i);
                    }
                }
            }
        }
    }

    private void slice(
            PanelMatrix w,
            int s,
            int from,
            int to,
            int tile,
            int tiles,
            int first,
            int end,
            int open,
            float[] sums,
            Scratch mine) {
        int slices = w.slicing().count();
        int stored = w.storedLength();
        int chain = tile * PanelMatrix.PANEL;
        for (int k0 = 0; k0 < stored; k0 += BLOCK) {
            int count = Math.min(BLOCK, stored - k0);
            int base = tiles * tile * (s * stored + k0);
            for (int panel = from; panel < to; panel++) {
                long at = panel * w.panelBytes()
                        + s * w.sliceBytes()
                        + (long) k0 * PanelMatrix.PANEL * w.type().bytes();
                Tiles.decode(w.type(), w.memory(), at, count, mine.widened);
                for (int t = first; t < end; t++) {
                    int sum = (((panel - from) * open + t - first) * slices + s) * chain;
                    int x = base + t * tile * count;
                    switch (tile) {
                        case 2 -> Tiles.tile2(mine.widened, packed, x, count, sums, sum, k0 == 0);
                        case 4 -> Tiles.tile4(mine.widened, packed, x, count, sums, sum, k0 == 0);
                        default -> Tiles.tile8(mine.widened, packed, x, count, sums, sum, k0 == 0);
                    }
                }
            }
        }
    }

    /** Adds the slices' sums, {@code count} each, in the fixed binary tree; the result is the first one's place. */
    private static void tree(float[] sums, int at, int slices, int count) {
        for (int distance = 1; distance < slices; distance *= 2) {
            for (int s = 0; s < slices; s += 2 * distance) {
                int left = at + s * count;
                int right = left + distance * count;
                for (int i = 0; i < count; i += Lanes.L) {
                    FloatVector.fromArray(Lanes.F, sums, left + i)
                            .add(FloatVector.fromArray(Lanes.F, sums, right + i))
                            .intoArray(sums, left + i);
                }
            }
        }
    }

    private static void store(PanelMatrix w, float[] sums, int at, int panel, float[] out, int row) {
        int count = Math.min(PanelMatrix.PANEL, w.rows() - panel * PanelMatrix.PANEL);
        int to = row * w.rows() + panel * PanelMatrix.PANEL;
        System.arraycopy(sums, at, out, to, count);
    }
}
