package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.kernel.cpu.Team;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts products into pieces for the team. Few rows: weights are widened in registers for 8 rows at a time, and read from memory
 * once. Many rows: a block of weights is widened once and used for all.
 */
final class NativeMatmul {
    /** From so many rows on, widening each weight once pays more than keeping it in registers. */
    private static final int MANY = 97;
    /** Multiply-adds below which other threads are not worth waking. */
    private static final long SMALL = 1 << 18;
    /** Bytes of weights that a piece reads one after the other, if there are enough pieces. */
    private static final long PIECE_BYTES = 1 << 19;
    /** Pieces a thread, so that one that is held up does not hold up all. */
    private static final int PIECES = 6;

    private final NativeLibrary library;
    private final Team team;
    private final MemorySegment[] scratch;
    private MemorySegment laid = MemorySegment.NULL;

    NativeMatmul(NativeLibrary library, Team team) {
        this.library = library;
        this.team = team;
        scratch = new MemorySegment[team.threads()];
        for (int i = 0; i < scratch.length; i++) {
            scratch[i] = Arena.ofAuto().allocate(library.scratchBytes, 64);
        }
    }

    void run(PackedMatrix matrix, float[] x, int rows, float[] out) {
        Shape w = Shape.of(matrix);
        if (x.length < rows * w.width() || out.length < rows * w.outputs()) {
            throw new IllegalArgumentException("%d rows of %d and %d floats do not fit arrays of %d and %d"
                    .formatted(rows, w.width(), w.outputs(), x.length, out.length));
        }
        boolean small = rows * w.outputs() * w.width() < SMALL;
        if (rows < MANY) {
            few(w, MemorySegment.ofArray(x), rows, MemorySegment.ofArray(out), small);
        } else {
            many(w, MemorySegment.ofArray(x), rows, MemorySegment.ofArray(out), small);
        }
    }

    private void few(Shape w, MemorySegment x, int rows, MemorySegment out, boolean small) {
        int parts = (rows + library.group - 1) / library.group;
        MemorySegment to = room(rows * w.slices() * w.stored());
        long row = w.slices() * words(w) * Float.BYTES;
        each(small || parts == 1, parts, (part, worker) -> {
            int first = part * (rows / parts) + Math.min(part, rows % parts);
            int size = rows / parts + (part < rows % parts ? 1 : 0);
            library.layFew(w, x, first * w.width(), size, to.asSlice(first * row, size * row));
        });
        int together = library.panelsTogether(rows);
        int groups = (w.panelCount() + together - 1) / together;
        long wanted = Math.max(1, PIECE_BYTES / (w.panelBytes() * together));
        int most = Math.max(1, groups / (PIECES * team.threads()));
        int piece = (int) Math.min(wanted, most);
        each(
                small,
                (groups + piece - 1) / piece,
                (i, worker) ->
                        library.few(w, (long) i * piece, Math.min(groups, (i + 1L) * piece), groups, to, rows, out));
    }

    private void many(Shape w, MemorySegment x, int rows, MemorySegment out, boolean small) {
        int blocks = (rows + library.manyRows - 1) / library.manyRows;
        int tiles = ((rows + blocks - 1) / blocks + library.tile - 1) / library.tile;
        int block = tiles * library.tile;
        MemorySegment to = room((long) block * w.slices() * w.stored());
        for (int first = 0; first < rows; first += block) {
            int from = first;
            int count = Math.min(block, rows - first);
            int here = (count + library.tile - 1) / library.tile;
            each(small, here, (t, worker) -> library.layMany(w, x, from * w.width(), t, count, to));
            each(
                    small,
                    w.panelCount(),
                    (panel, worker) -> library.many(w, panel, to, count, out, from * w.outputs(), scratch[worker]));
        }
    }

    private void each(boolean alone, int pieces, Team.Body body) {
        if (alone) {
            for (int piece = 0; piece < pieces; piece++) {
                body.run(piece, 0);
            }
        } else {
            team.run(pieces, body);
        }
    }

    /** Words of one slice of a laid-out row. */
    private long words(Shape w) {
        boolean pairs = w.type() == WeightType.F8 && library.instructions() == Instructions.AVX512_BF16;
        return pairs ? w.stored() / 2 : w.stored();
    }

    private MemorySegment room(long floats) {
        if (laid.byteSize() < floats * Float.BYTES) {
            laid = Arena.ofAuto().allocate(floats * Float.BYTES, 64);
        }
        return laid;
    }
}
