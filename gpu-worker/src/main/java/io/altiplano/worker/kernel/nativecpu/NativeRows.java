package io.altiplano.worker.kernel.nativecpu;

import java.lang.foreign.MemorySegment;

/** Operations along rows of activations, a few at a time. Slices check what native code would read and write. */
final class NativeRows {
    /** Floats of one call, so that it is a piece of work of well below a millisecond. */
    private static final int MOST = 1 << 18;

    private final NativeLibrary library;

    NativeRows(NativeLibrary library) {
        this.library = library;
    }

    private interface Piece {
        void run(int from, int count);
    }

    private static void each(int rows, int width, Piece piece) {
        int together = Math.max(1, MOST / Math.max(1, width));
        for (int from = 0; from < rows; from += together) {
            piece.run(from, Math.min(together, rows - from));
        }
    }

    /** {@code count} rows of an array, which must have them. */
    private static MemorySegment rows(float[] x, int from, int count, int width) {
        return MemorySegment.ofArray(x).asSlice((long) from * width * Float.BYTES, (long) count * width * Float.BYTES);
    }

    void absMax(float[] x, int rows, int width, float[] max) {
        each(rows, width, (from, n) -> library.absMax(rows(x, from, n, width), n, width, rows(max, from, n, 1)));
    }

    void quantize(float[] x, int rows, int width, float[] scales) {
        each(rows, width, (from, n) -> library.quantize(rows(x, from, n, width), n, width, rows(scales, from, n, 1)));
    }

    void rmsNorm(float[] x, int rows, int width, float[] weight, float epsilon, float[] out) {
        MemorySegment weights = rows(weight, 0, 1, width);
        each(
                rows,
                width,
                (from, n) -> library.rmsNorm(
                        rows(x, from, n, width), n, width, weights, epsilon, rows(out, from, n, width)));
    }

    void swiGlu(float[] gateUp, int rows, int width, float[] out) {
        each(
                rows,
                width,
                (from, n) -> library.swiGlu(rows(gateUp, from, n, 2 * width), n, width, rows(out, from, n, width)));
    }
}
