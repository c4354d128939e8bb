package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import java.lang.foreign.MemorySegment;

/**
 * A packed matrix as the native functions want it.
 *
 * @param panels the layout of {@code kernel.cpu}
 * @param outputs rows of the matrix
 * @param width columns that exist
 * @param slices slices owned
 * @param length columns of a slice
 * @param stored columns of a slice as stored: an even number for F8
 */
record Shape(WeightType type, MemorySegment panels, long outputs, long width, long slices, long length, long stored) {
    private static final int PANEL = 32;

    static Shape of(PackedMatrix w) {
        Slicing slicing = w.slicing();
        long length = slicing.length();
        return new Shape(
                w.type(),
                w.memory(),
                w.rows(),
                slicing.localColumns(),
                slicing.count(),
                length,
                w.type() == WeightType.F8 ? (length + 1) / 2 * 2 : length);
    }

    int panelCount() {
        return (int) ((outputs + PANEL - 1) / PANEL);
    }

    /** Bytes of one panel. */
    long panelBytes() {
        return slices * stored * PANEL * type.bytes();
    }
}
