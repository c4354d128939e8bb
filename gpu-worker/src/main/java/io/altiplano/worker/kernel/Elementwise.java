package io.altiplano.worker.kernel;

/** Operations without a reduction, the same plain loops for every CPU backend. */
public final class Elementwise {
    private Elementwise() {}

    /** {@code t[m][n] = (t[m][n] * rowScales[n]) * xScales[m]}. */
    public static void scale(float[] t, int rows, int width, float[] rowScales, float[] xScales) {
        for (int m = 0; m < rows; m++) {
            float xScale = xScales[m];
            int at = m * width;
            for (int n = 0; n < width; n++) {
                t[at + n] = t[at + n] * rowScales[n] * xScale;
            }
        }
    }

    /** {@code x += y} over {@code count} values. */
    public static void add(float[] x, float[] y, int count) {
        for (int i = 0; i < count; i++) {
            x[i] += y[i];
        }
    }

    /**
     * Rotary embedding of Hugging Face's layout, which pairs i with i + headDim/2.
     *
     * @param x rows of {@code stride} floats; the heads start at {@code offset}
     * @param cos,sin [rows, headDim/2]
     */
    public static void rope(
            float[] x, int rows, int stride, int offset, int heads, int headDim, float[] cos, float[] sin) {
        int half = headDim / 2;
        for (int m = 0; m < rows; m++) {
            for (int h = 0; h < heads; h++) {
                int low = m * stride + offset + h * headDim;
                int high = low + half;
                int angle = m * half;
                for (int i = 0; i < half; i++) {
                    float a = x[low + i];
                    float b = x[high + i];
                    float c = cos[angle + i];
                    float s = sin[angle + i];
                    x[low + i] = a * c - b * s;
                    x[high + i] = b * c + a * s;
                }
            }
        }
    }

    /** Writes the keys and values of a batch's rows to their slots; they start at {@code offset} in each row. */
    public static void storeKv(AttentionRows batch, float[] qkv, int stride, int offset, KvSlab kv) {
        int headDim = kv.headDim();
        for (int m = 0; m < batch.rows(); m++) {
            int position = batch.positions()[m];
            int block = batch.blockTables()[batch.sequence()[m]][position / KvSlab.BLOCK];
            for (int h = 0; h < kv.heads(); h++) {
                int key = m * stride + offset + h * headDim;
                kv.store(block, h, position % KvSlab.BLOCK, qkv, key, key + kv.heads() * headDim);
            }
        }
    }
}
