package io.altiplano.worker.kernel;

import io.altiplano.worker.tensor.E4m3;

/**
 * How an FP8 matrix wants its input rows scaled.
 *
 * @param bound a row's absolute maximum is clamped to this before its scale is taken, larger values saturate; infinite for
 *     none
 * @param fixed the scale of every row, found when the checkpoint was made; 0 where a row's own maximum gives it
 */
public record ActivationScaling(float bound, float fixed) {
    /** Meta's recipe for Llama 3.1 405B: rows by their own maximum, which counts as 1200 at most. */
    public static final ActivationScaling META = new ActivationScaling(1200f, 0);

    public ActivationScaling {
        if (!(bound > 0) || !(fixed >= 0)) {
            throw new IllegalArgumentException("no scaling of activations: bound " + bound + ", scale " + fixed);
        }
    }

    /** The scale of a row with this absolute maximum; NaN for NaN, so that a broken row stays visible. */
    public float scale(float absMax) {
        if (fixed > 0) {
            return Float.isNaN(absMax) ? Float.NaN : fixed;
        }
        return E4m3.scaleOf(Math.min(absMax, bound));
    }

    /** Replaces the absolute maxima of {@code rows} rows by their scales. */
    public void scales(float[] absMaxToScale, int rows) {
        for (int m = 0; m < rows; m++) {
            absMaxToScale[m] = scale(absMaxToScale[m]);
        }
    }
}
