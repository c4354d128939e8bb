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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Whether a backend gives the bits of another: products of every type, through every path that the number of rows chooses, with
 * ragged shapes, E4M3's subnormals and values that cancel; attention over keys and values of every type, for single and
 * neighbouring rows, over more than one chunk; operations along rows. Short enough for every start: a processor that
 * rounds otherwise differs in the first products already. What the trusted one gives is computed once for all that are tested.
 */
final class SelfTest {
    private static final int OUTPUTS = 45;
    private static final int INNER = 90;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int HEAD_DIM = 69;
    private static final int STRIDE = (HEADS + 2 * KV_HEADS) * HEAD_DIM;
    private static final int[] BATCHES = {1, 2, 3, 4, 7, 11, 98};

    // Neighbours that see two chunks, as many as widen in memory; and single rows that see one position and a part of a
    // chunk.
    private static final int[] POSITIONS = {294, 295, 296, 297, 298, 299, 300, 0, 40};
    private static final int[] SEQUENCES = {0, 0, 0, 0, 0, 0, 0, 1, 2};
    private static final int BLOCKS = 300 / KvSlab.BLOCK + 1;

    private static final int ROWS = 3;
    private static final List<String> ROW_OPERATIONS = List.of("rmsNorm", "rowAbsMax", "quantize", "swiGlu");

    private final List<Product> products = new ArrayList<>();
    private final List<Attention> attentions = new ArrayList<>();
    private final RowOperations rows;

    private record Product(Rows w, WeightType type, int rows, float[] x, float[] expected) {}

    private record Attention(KvType type, KvSlab kv, float[] qkv, float[] expected) {}

    private record RowOperations(float[] x, float[] weight, List<float[]> expected) {}

    /** Computes what is to be found. */
    SelfTest(Kernels trusted) {
        SplittableRandom random = new SplittableRandom(20);
        try (Arena arena = Arena.ofShared();
                RankKernels rank = trusted.forRank(1)) {
            for (WeightType type : WeightType.values()) {
                Rows w = Rows.random(random, OUTPUTS, INNER, type);
                PackedMatrix packed = pack(trusted, w, type, arena);
                for (int batch : BATCHES) {
                    float[] x = Rows.random(random, batch, INNER, type).values;
                    products.add(new Product(w, type, batch, x, multiply(rank, packed, x, batch)));
                }
            }
            for (KvType type : KvType.values()) {
                KvSlab kv = filled(random, type);
                float[] qkv = floats(random, POSITIONS.length * STRIDE);
                attentions.add(new Attention(type, kv, qkv, attend(rank, qkv, kv)));
            }
            float[] x = Rows.random(random, 2 * ROWS, INNER, WeightType.F32).values;
            float[] weight = floats(random, INNER);
            rows = new RowOperations(x, weight, alongRows(rank, x, weight));
        }
    }

    /** The first difference found, in words; empty if there is none. */
    static String difference(Kernels tested, Kernels trusted) {
        return new SelfTest(trusted).difference(tested);
    }

    /** The first difference found, in words; empty if there is none. */
    String difference(Kernels tested) {
        try (Arena arena = Arena.ofShared();
                RankKernels rank = tested.forRank(1)) {
            Map<Rows, PackedMatrix> packed = new IdentityHashMap<>();
            for (Product product : products) {
                PackedMatrix w = packed.computeIfAbsent(product.w, rows -> pack(tested, rows, product.type, arena));
                float[] actual = multiply(rank, w, product.x, product.rows);
                int at = Arrays.mismatch(actual, product.expected);
                if (at >= 0) {
                    return "%s, %d columns, %d rows: %s instead of %s"
                            .formatted(product.type, INNER, product.rows, actual[at], product.expected[at]);
                }
            }
            for (Attention attention : attentions) {
                float[] actual = attend(rank, attention.qkv, attention.kv);
                int at = Arrays.mismatch(actual, attention.expected);
                if (at >= 0) {
                    return "attention over %s, row %d: %s instead of %s"
                            .formatted(attention.type, at / (HEADS * HEAD_DIM), actual[at], attention.expected[at]);
                }
            }
            return rowDifference(rank);
        }
    }

    private String rowDifference(RankKernels rank) {
        List<float[]> actual = alongRows(rank, rows.x, rows.weight);
        for (int i = 0; i < actual.size(); i++) {
            int at = Arrays.mismatch(actual.get(i), rows.expected.get(i));
            if (at >= 0) {
                return "%s: %s instead of %s"
                        .formatted(
                                ROW_OPERATIONS.get(i),
                                actual.get(i)[at],
                                rows.expected.get(i)[at]);
            }
        }
        return "";
    }

    private static PackedMatrix pack(Kernels kernels, Rows w, WeightType type, Arena arena) {
        float[] scales = new float[OUTPUTS];
        Arrays.fill(scales, 1f);
        return kernels.pack(w, type, Slicing.whole(INNER), type == WeightType.F8 ? scales : null, arena);
    }

    private static float[] multiply(RankKernels rank, PackedMatrix packed, float[] x, int rows) {
        float[] out = new float[rows * OUTPUTS];
        rank.matmul(packed, x, rows, out);
        return out;
    }

    private static KvSlab filled(SplittableRandom random, KvType type) {
        KvSlab kv = KvSlab.of(type, BLOCKS, KV_HEADS, HEAD_DIM);
        for (int token = 0; token < BLOCKS * KvSlab.BLOCK; token++) {
            float[] x = floats(random, 2 * KV_HEADS * HEAD_DIM);
            for (int h = 0; h < KV_HEADS; h++) {
                int value = (KV_HEADS + h) * HEAD_DIM;
                kv.store(token / KvSlab.BLOCK, h, token % KvSlab.BLOCK, x, h * HEAD_DIM, value);
            }
        }
        return kv;
    }

    private static float[] attend(RankKernels rank, float[] qkv, KvSlab kv) {
        int[] backwards = new int[BLOCKS];
        Arrays.setAll(backwards, b -> BLOCKS - 1 - b);
        AttentionRows batch = new AttentionRows(
                POSITIONS.length, POSITIONS, SEQUENCES, new int[][] {backwards, backwards, backwards});
        float[] out = new float[POSITIONS.length * HEADS * HEAD_DIM];
        rank.attention(batch, qkv, STRIDE, HEADS, kv, 0.25f, out);
        return out;
    }

    /** @param x [{@value #ROWS}][2][{@value #INNER}], of which all but {@link RankKernels#swiGlu} take the first half */
    private static List<float[]> alongRows(RankKernels rank, float[] x, float[] weight) {
        float[] norm = new float[ROWS * INNER];
        rank.rmsNorm(x, ROWS, INNER, weight, 1e-5f, norm);
        float[] absMax = new float[ROWS];
        rank.rowAbsMax(x, ROWS, INNER, absMax);
        float[] quantized = x.clone();
        rank.quantize(quantized, ROWS, INNER, absMax);
        float[] gated = new float[ROWS * INNER];
        rank.swiGlu(x, ROWS, INNER, gated);
        return List.of(norm, absMax, quantized, gated);
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
