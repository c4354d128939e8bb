package io.altiplano.worker.model;

import io.altiplano.worker.kernel.ActivationScaling;
import io.altiplano.worker.kernel.PackedMatrix;
import java.util.List;

/**
 * The weights of one rank. Letters as in the paper: w1 gate, w3 up, w2 down.
 *
 * @param embedding [vocabulary share, hidden]; the same object as {@code output} if tied
 * @param layers the transformer blocks
 * @param norm [hidden]
 * @param output [vocabulary share, hidden]
 */
record RankWeights(PackedMatrix embedding, List<Layer> layers, float[] norm, Linear output) {
    /**
     * A matrix and how its input is quantized.
     *
     * @param matrix the weights
     * @param activations used if the matrix is FP8
     */
    record Linear(PackedMatrix matrix, ActivationScaling activations) {
        long bytes() {
            return matrix.bytes();
        }
    }

    /**
     * @param attentionNorm [hidden]
     * @param qkv q, k and v of the rank's heads under each other, over the whole hidden width
     * @param attentionOut [hidden, the rank's heads * headDim]: split by columns
     * @param ffnNorm [hidden]
     * @param gateUp w1 and w3 under each other: [2 * the rank's ffn, hidden]
     * @param down w2 [hidden, the rank's ffn]: split by columns
     */
    record Layer(float[] attentionNorm, Linear qkv, Linear attentionOut, float[] ffnNorm, Linear gateUp, Linear down) {
        long bytes() {
            return 4L * (attentionNorm.length + ffnNorm.length)
                    + qkv.bytes()
                    + attentionOut.bytes()
                    + gateUp.bytes()
                    + down.bytes();
        }
    }

    @SuppressWarnings("ReferenceEquality") // one packed matrix in two roles
    private boolean tied() {
        return embedding == output.matrix();
    }

    long bytes() {
        long bytes = 4L * norm.length + output.bytes();
        if (!tied()) {
            bytes += embedding.bytes();
        }
        for (Layer layer : layers) {
            bytes += layer.bytes();
        }
        return bytes;
    }
}
