package io.altiplano.worker.weights;

import io.altiplano.worker.kernel.ActivationScaling;

/**
 * What makes a matrix of a checkpoint FP8.
 *
 * @param scales one a row: a weight is its E4M3 value times this
 * @param activations how its input is scaled
 */
public record Fp8Rows(float[] scales, ActivationScaling activations) {}
