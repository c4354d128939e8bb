package io.altiplano.worker.weights;

import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.FloatRows;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Tensors of any shape whose values are a function of name, place and seed: for measuring models whose weights are not at hand.
 * Values are BF16 numbers spread evenly over ±sqrt(3 / columns), so that activations keep their size from layer to layer.
 */
public final class RandomTensors implements TensorSource {
    private final long seed;

    public RandomTensors(long seed) {
        this.seed = seed;
    }

    private record Values(long seed, int rows, int columns) implements FloatRows {
        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            float width = 2f * (float) Math.sqrt(3.0 / columns);
            for (int i = 0; i < count; i++) {
                long z = seed + ((long) row * columns + from + i) * 0x9e3779b97f4a7c15L;
                z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
                z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
                float unit = (z >>> 40) * 0x1p-24f - 0.5f;
                out[offset + i] = Bf16.decode(Bf16.encode(unit * width));
            }
        }
    }

    @Override
    public FloatRows matrix(String name, int rows, int columns) {
        return new Values(seed * 31 + name.hashCode(), rows, columns);
    }

    @Override
    public float[] vector(String name, int size) {
        float[] ones = new float[size];
        Arrays.fill(ones, 1f);
        return ones;
    }

    @Override
    public boolean fitsBf16(String name) {
        return true;
    }

    @Override
    public @Nullable Fp8Rows fp8(String name) {
        return null;
    }

    @Override
    public boolean quantized() {
        return false;
    }

    @Override
    public String where() {
        return "random tensors";
    }

    @Override
    public String sha256() {
        return "random-" + seed;
    }

    @Override
    public void close() {}
}
