package io.altiplano.worker.kernel.reference;

import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;

/** Row-major values as F32, already rounded to their type: [rows, localColumns]. */
record PlainMatrix(int rows, Slicing slicing, WeightType type, float[] rowScales, float[] values)
        implements PackedMatrix {
    @Override
    public long bytes() {
        return 4L * values.length + 4L * rowScales.length;
    }

    @Override
    public void row(int row, float[] out, int offset) {
        int width = slicing.localColumns();
        System.arraycopy(values, row * width, out, offset, width);
    }
}
