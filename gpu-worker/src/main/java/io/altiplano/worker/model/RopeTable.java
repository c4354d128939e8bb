package io.altiplano.worker.model;

import io.altiplano.worker.kernel.AttentionRows;
import org.jspecify.annotations.Nullable;

/**
 * Cosines and sines of the rotary embedding, made for runs of 256 positions when first needed. Frequencies and angles are
 * rounded to F32 where Hugging Face transformers rounds them, as their error grows with the position; the functions are {@link
 * StrictMath}'s, so that every machine has the same table.
 */
final class RopeTable {
    private static final int RUN = 256;

    private final float[] frequencies;
    private final float[][] cosines;
    private final float[][] sines;

    /**
     * @param factors divide the frequencies, one a pair; null for none
     */
    RopeTable(LlamaConfig config, float @Nullable [] factors) {
        frequencies = frequencies(config);
        for (int i = 0; factors != null && i < frequencies.length; i++) {
            frequencies[i] /= factors[i];
        }
        int runs = (config.contextLength() + RUN - 1) / RUN;
        cosines = new float[runs][];
        sines = new float[runs][];
    }

    /** Radians a position, for each pair of a head. */
    private static float[] frequencies(LlamaConfig config) {
        float[] frequencies = new float[config.headDim() / 2];
        for (int i = 0; i < frequencies.length; i++) {
            float exponent = 2f * i / config.headDim();
            float frequency = 1f / (float) StrictMath.pow(config.ropeTheta(), exponent);
            RopeScaling scaling = config.ropeScaling();
            frequencies[i] = scaling == null ? frequency : scaled(frequency, scaling);
        }
        return frequencies;
    }

    private static float scaled(float frequency, RopeScaling s) {
        float wavelength = (float) (2 * Math.PI) / frequency;
        float slow = frequency / (float) s.factor();
        if (wavelength > s.originalContext() / s.lowFrequencyFactor()) {
            return slow;
        }
        if (wavelength < s.originalContext() / s.highFrequencyFactor()) {
            return frequency;
        }
        float blend = (s.originalContext() / wavelength - (float) s.lowFrequencyFactor())
                / (float) (s.highFrequencyFactor() - s.lowFrequencyFactor());
        return (1f - blend) * frequency / (float) s.factor() + blend * frequency;
    }

    /** Writes the table's rows of the batch's positions to {@code cos} and {@code sin}, both [rows, headDim/2]. */
    void fill(AttentionRows batch, float[] cos, float[] sin) {
        int half = frequencies.length;
        for (int m = 0; m < batch.rows(); m++) {
            int position = batch.positions()[m];
            int run = position / RUN;
            if (cosines[run] == null) {
                make(run);
            }
            System.arraycopy(cosines[run], position % RUN * half, cos, m * half, half);
            System.arraycopy(sines[run], position % RUN * half, sin, m * half, half);
        }
    }

    private void make(int run) {
        int half = frequencies.length;
        float[] cos = new float[RUN * half];
        float[] sin = new float[RUN * half];
        for (int p = 0; p < RUN; p++) {
            for (int i = 0; i < half; i++) {
                float angle = (run * RUN + p) * frequencies[i];
                cos[p * half + i] = (float) StrictMath.cos(angle);
                sin[p * half + i] = (float) StrictMath.sin(angle);
            }
        }
        cosines[run] = cos;
        sines[run] = sin;
    }
}
