package io.altiplano.worker.kernel;

import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;

/**
 * The keys, or the values, of a {@link KvSlab}, whose layout it does not know: numbers by index, and for those that need one a scale a
 * token and head.
 */
public sealed interface KvPlane {
    /** Bytes behind the last code, so that a vector of them may be read where only half of it is wanted. */
    int PADDING = 8;

    /** An empty plane. */
    static KvPlane of(KvType type, int numbers, int tokens) {
        return switch (type) {
            case F32 -> new F32(new float[numbers]);
            case BF16 -> new Bfloat16(new short[numbers]);
            case FP8 -> new Fp8(new byte[numbers + PADDING], new float[tokens]);
        };
    }

    /**
     * Stores one token's numbers of one head, {@code x[from..from+count-1]}.
     *
     * @param at index of the first
     * @param step from one to the next
     * @param token index of the token and head, for its scale
     */
    void store(float[] x, int from, int count, int at, int step, int token);

    /** The number at an index, of a token and head. */
    float get(int at, int token);

    /** How many numbers it has room for. */
    int count();

    /** Bytes held. */
    long bytes();

    /** As computed. */
    record F32(float[] numbers) implements KvPlane {
        @Override
        public void store(float[] x, int from, int count, int at, int step, int token) {
            for (int d = 0; d < count; d++) {
                numbers[at + d * step] = x[from + d];
            }
        }

        @Override
        public float get(int at, int token) {
            return numbers[at];
        }

        @Override
        public int count() {
            return numbers.length;
        }

        @Override
        public long bytes() {
            return 4L * numbers.length;
        }
    }

    /** The nearest BF16. */
    record Bfloat16(short[] numbers) implements KvPlane {
        @Override
        public void store(float[] x, int from, int count, int at, int step, int token) {
            for (int d = 0; d < count; d++) {
                numbers[at + d * step] = Bf16.encode(x[from + d]);
            }
        }

        @Override
        public float get(int at, int token) {
            return Bf16.decode(numbers[at]);
        }

        @Override
        public int count() {
            return numbers.length;
        }

        @Override
        public long bytes() {
            return 2L * numbers.length;
        }
    }

    /** The nearest E4M3; {@code code * scale}, rounded once to F32. */
    record Fp8(byte[] codes, float[] scales) implements KvPlane {
        @Override
        public void store(float[] x, int from, int count, int at, int step, int token) {
            float absMax = 0f;
            for (int d = 0; d < count; d++) {
                absMax = Math.max(absMax, Math.abs(x[from + d]));
            }
            float scale = E4m3.scaleOf(absMax);
            scales[token] = scale;
            for (int d = 0; d < count; d++) {
                codes[at + d * step] = E4m3.encode(x[from + d] / scale);
            }
        }

        @Override
        public float get(int at, int token) {
            return E4m3.decode(codes[at]) * scales[token];
        }

        @Override
        public int count() {
            return codes.length - PADDING;
        }

        @Override
        public long bytes() {
            return codes.length + 4L * scales.length;
        }
    }
}
