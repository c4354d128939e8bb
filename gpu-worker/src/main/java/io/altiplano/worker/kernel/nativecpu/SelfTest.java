package io.altiplano.worker.kernel.nativecpu;

import io.altiplano.worker.kernel.AttentionRows;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvSlab;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.PackedMatrix;
import io.altiplano.worker.kernel.RankKernels;
import io.altiplano.worker.kernel.Slicing;
import io.altiplano.worker.kernel.WeightType;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Whether a backend gives the bits of another: products of every type, through every path that the number of rows chooses, with
 * ragged shapes, E4M3's subnormals and values that cancel; attention over keys and values of every type, for single and
 * neighbouring rows, over more than one chunk. Short enough for every start: a processor that rounds otherwise differs in
 * the first products already.
 */
final class SelfTest {
    private static final int OUTPUTS = 45;
    private static final int[] INNER = {90};
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 69;
    private static final int[] BATCHES = {1, 2, 3, 4, 7, 11, 98};

    private SelfTest() {}

    /** The first difference found, in words; empty if there is none. */
    static String difference(Kernels tested, Kernels trusted) {
        SplittableRandom random = new SplittableRandom(20);
        try (Arena arena = Arena.ofShared();
                RankKernels one = tested.forRank(1);
                RankKernels other = trusted.forRank(1)) {
            for (WeightType type : WeightType.values()) {
                for (int inner : INNER) {
                    Slicing slicing = Slicing.whole(inner);
                    Rows w = Rows.random(random, OUTPUTS, inner, type);
                    float[] scales = new float[OUTPUTS];
                    Arrays.fill(scales, 1f);
                    float @Nullable [] rowScales = type == WeightType.F8 ? scales : null;
                    PackedMatrix a = tested.pack(w, type, slicing, rowScales, arena);
                    PackedMatrix b = trusted.pack(w, type, slicing, rowScales, arena);
                    for (int rows : BATCHES) {
                        float[] x = Rows.random(random, rows, inner, type).values;
                        float[] actual = new float[rows * OUTPUTS];
                        float[] expected = new float[rows * OUTPUTS];
                        one.matmul(a, x, rows, actual);
                        other.matmul(b, x, rows, expected);
                        int at = Arrays.mismatch(actual, expected);
                        if (at >= 0) {
                            return "%s, %d columns, %d rows: %s instead of %s"
                                    .formatted(type, inner, rows, actual[at], expected[at]);
                        }
                    }
                }
            }
            return attentionDifference(random, one, other);
        }
    }

    private static String attentionDifference(SplittableRandom random, RankKernels one, RankKernels other) {
        int stride = (HEADS + 2 * KV_HEADS) * HEAD_DIM;
        // Neighbours that see two chunks, as many as widen in memory; and single rows that see one position and a part
        // of a chunk.
        int[] positions = {294, 295, 296, 297, 298, 299, 300, 0, 40};
        int[] sequences = {0, 0, 0, 0, 0, 0, 0, 1, 2};
        int blocks = 300 / KvSlab.BLOCK + 1;
        int[] backwards = new int[blocks];
        Arrays.setAll(backwards, b -> blocks - 1 - b);
        AttentionRows rows = new AttentionRows(
                positions.length, positions, sequences, new int[][] {backwards, backwards, backwards});
        for (KvType type : KvType.values()) {
            KvSlab kv = KvSlab.of(type, blocks, KV_HEADS, HEAD_DIM);
            for (int token = 0; token < blocks * KvSlab.BLOCK; token++) {
                float[] x = floats(random, 2 * KV_HEADS * HEAD_DIM);
                for (int h = 0; h < KV_HEADS; h++) {
                    int value = (KV_HEADS + h) * HEAD_DIM;
                    kv.store(token / KvSlab.BLOCK, h, token % KvSlab.BLOCK, x, h * HEAD_DIM, value);
                }
            }
            float[] qkv = floats(random, positions.length * stride);
            float[] actual = new float[positions.length * HEADS * HEAD_DIM];
            float[] expected = actual.clone();
            one.attention(rows, qkv, stride, HEADS, kv, 0.25f, actual);
            other.attention(rows, qkv, stride, HEADS, kv, 0.25f, expected);
            int at = Arrays.mismatch(actual, expected);
            if (at >= 0) {
                return "attention over %s, row %d: %s instead of %s"
                        .formatted(type, at / (HEADS * HEAD_DIM), actual[at], expected[at]);
            }
        }
        return "";
    }

    private static float[] floats(SplittableRandom random, int count) {
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = (float) random.nextDouble(-2, 2);
        }
        return x;
    }

    private record Rows(int rows, int columns, float[] values) implements FloatRows {
        static Rows random(SplittableRandom random, int rows, int columns, WeightType type) {
            float[] values = new float[rows * columns];
            for (int i = 0; i < values.length; i++) {
                float value = (float) (random.nextDouble(-1, 1) * Math.pow(2, random.nextInt(-9, 8)));
                values[i] = switch (type) {
                    case F32 -> value;
                    case BF16 -> Bf16.decode(Bf16.encode(value));
                    case F8 -> E4m3.round(value);
                };
            }
            return new Rows(rows, columns, values);
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            System.arraycopy(values, row * columns + from, out, offset, count);
        }
    }
}
