package io.altiplano.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.tensor.Bf16;
import io.altiplano.worker.tensor.E4m3;
import io.altiplano.worker.tensor.FloatRows;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every operation of every fast backend, on every type and ragged shape, against the plain loops: the same bits. */
class KernelMatrixTest {
    private static final int[] OUTPUTS = {1, 31, 32, 33, 129, 260};
    private static final int[] INNER = {1, 7, 8, 9, 64, 90, 172, 344, 2072};
    private static final int[] BATCHES = {1, 2, 3, 4, 5, 8, 17, 131};
    private static final double UNIT = 0x1p-24; // half an ulp of F32, relative

    private final RankKernels plain = new ReferenceKernels().forRank(1);

    /** Activations and weights of one product. */
    private record Product(float[][] w, float[] scales, float[] x, int rows, WeightType type, Slicing slicing)
            implements FloatRows {
        static Product random(SplittableRandom random, int outputs, int rows, WeightType type, Slicing slicing) {
            int width = slicing.localColumns();
            float[][] w = new float[outputs][width];
            float[] scales = new float[outputs];
            for (int n = 0; n < outputs; n++) {
                for (int k = 0; k < width; k++) {
                    float value = (float) random.nextGaussian();
                    w[n][k] = type == WeightType.BF16 ? Bf16.decode(Bf16.encode(value)) : value;
                }
                scales[n] = (float) random.nextDouble(0.001, 0.1);
            }
            float[] x = new float[rows * width];
            for (int i = 0; i < x.length; i++) {
                float value = (float) (random.nextGaussian() * 30);
                x[i] = type == WeightType.F8 ? E4m3.round(value) : value;
            }
            return new Product(w, scales, x, rows, type, slicing);
        }

        @Override
        public int rows() {
            return w.length;
        }

        @Override
        public int columns() {
            return slicing.localColumns();
        }

        @Override
        public void read(int row, int from, int count, float[] out, int offset) {
            System.arraycopy(w[row], from, out, offset, count);
        }

        float[] on(Kernels kernels, RankKernels rank, Arena arena) {
            float @Nullable [] rowScales = type == WeightType.F8 ? scales : null;
            PackedMatrix packed = kernels.pack(this, type, slicing, rowScales, arena);
            float[] out = new float[rows * w.length];
            rank.matmul(packed, x, rows, out);
            return out;
        }

        float stored(int n, int k) {
            return type == WeightType.F8 ? E4m3.round(w[n][k] / scales[n]) : w[n][k];
        }
    }

    private static void assertSameBits(float[] actual, float[] expected, String what) {
        assertThat(Arrays.mismatch(actual, expected))
                .as("first difference, " + what)
                .isEqualTo(-1);
    }

    static Stream<Arguments> products() {
        List<Arguments> cases = new ArrayList<>();
        for (WeightType type : WeightType.values()) {
            for (int inner : INNER) {
                cases.add(Arguments.of(type, Slicing.whole(inner)));
                if (inner % 8 == 0) {
                    cases.add(Arguments.of(type, Slicing.share(inner, 1, 2)));
                    cases.add(Arguments.of(type, Slicing.share(inner, 2, 4)));
                    cases.add(Arguments.of(type, Slicing.share(inner, 7, 8)));
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("products")
    void productsOfEveryTypeAndShapeHaveTheSameBits(WeightType type, Slicing slicing) {
        // given
        SplittableRandom random = new SplittableRandom(slicing.hashCode() * 31L + type.ordinal());
        List<Backends.OnThreads> backends = Backends.fast(1, 3);
        for (int outputs : OUTPUTS) {
            for (int rows : BATCHES) {
                Product product = Product.random(random, outputs, rows, type, slicing);
                try (Arena arena = Arena.ofShared()) {
                    float[] expected = product.on(new ReferenceKernels(), plain, arena);
                    for (Backends.OnThreads backend : backends) {
                        // when
                        float[] actual = product.on(backend.kernels(), backend.rank(), arena);

                        // then
                        assertSameBits(actual, expected, "%s, %d outputs, %d rows".formatted(backend, outputs, rows));
                    }
                }
            }
        }
        backends.forEach(Backends.OnThreads::close);
    }

    @ParameterizedTest
    @EnumSource(WeightType.class)
    void anyNumberOfRowsHasTheSameBits(WeightType type) {
        // given every number of rows to beyond 64, and those around the borders of the widest blocks
        SplittableRandom random = new SplittableRandom(type.ordinal());
        int[] batches = IntStream.concat(IntStream.rangeClosed(1, 70), IntStream.of(96, 97, 503, 504, 505, 1009))
                .toArray();
        List<Backends.OnThreads> backends = Backends.fast(2);
        Slicing slicing = Slicing.whole(2072 / 8 + 3);
        for (int rows : batches) {
            Product product = Product.random(random, 67, rows, type, slicing);
            try (Arena arena = Arena.ofShared()) {
                float[] expected = product.on(new ReferenceKernels(), plain, arena);
                for (Backends.OnThreads backend : backends) {
                    // when
                    float[] actual = product.on(backend.kernels(), backend.rank(), arena);

                    // then
                    assertSameBits(actual, expected, "%s, %d rows".formatted(backend, rows));
                }
            }
        }
        backends.forEach(Backends.OnThreads::close);
    }

    @ParameterizedTest
    @EnumSource(WeightType.class)
    void anOrderThatDependsOnTheBatchDoesNotHaveTheSameBits(WeightType type) {
        // given a backend that adds in another order as soon as a row has a neighbour
        BatchDependentKernels wrong = new BatchDependentKernels(new CpuKernels());
        SplittableRandom random = new SplittableRandom(8);
        Product alone = Product.random(random, 33, 1, type, Slicing.whole(2072));
        Product two = Product.random(random, 33, 2, type, Slicing.whole(2072));
        try (Arena arena = Arena.ofShared();
                RankKernels rank = wrong.forRank(1)) {
            // when
            float[] aloneThere = alone.on(wrong, rank, arena);
            float[] twoThere = two.on(wrong, rank, arena);

            // then the comparison of this class sees it, where there is a neighbour
            assertThat(aloneThere).isEqualTo(alone.on(new ReferenceKernels(), plain, arena));
            assertThat(Arrays.mismatch(twoThere, two.on(new ReferenceKernels(), plain, arena)))
                    .isNotNegative();
        }
    }

    /**
     * The plain loops themselves against double arithmetic. A chain of S fused multiply-adds and three additions commit S + 3
     * roundings, each of relative size at most u = 2^-24, so the error is at most ((1 + u)^(S+3) - 1) * sum |w||x|.
     */
    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("products")
    void productsAreWithinTheRoundingsOfTheirChain(WeightType type, Slicing slicing) {
        // given
        SplittableRandom random = new SplittableRandom(5);
        Product product = Product.random(random, 33, 3, type, slicing);
        double allowed = Math.pow(1 + UNIT, slicing.length() + 3) - 1;

        // when
        float[] actual;
        try (Arena arena = Arena.ofShared()) {
            actual = product.on(new ReferenceKernels(), plain, arena);
        }

        // then
        int width = slicing.localColumns();
        for (int m = 0; m < 3; m++) {
            for (int n = 0; n < 33; n++) {
                double exact = 0;
                double magnitude = 0;
                for (int k = 0; k < width; k++) {
                    double term = (double) product.stored(n, k) * product.x()[m * width + k];
                    exact += term;
                    magnitude += Math.abs(term);
                }
                assertThat(Math.abs(actual[m * 33 + n] - exact)).isLessThanOrEqualTo(allowed * magnitude);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightType.class)
    void packedRowsReadBackAsStored(WeightType type) {
        // given
        Product product = Product.random(new SplittableRandom(3), 45, 1, type, Slicing.whole(90));
        try (Arena arena = Arena.ofShared()) {
            float[] scales = type == WeightType.F8 ? product.scales() : null;
            PackedMatrix packed = new CpuKernels().pack(product, type, product.slicing(), scales, arena);
            float[] row = new float[90];
            for (int n = 0; n < 45; n++) {
                // when
                packed.row(n, row, 0);

                // then
                for (int k = 0; k < 90; k++) {
                    assertThat(row[k]).isEqualTo(product.stored(n, k));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 15, 16, 17, 40, 64, 172, 1000})
    void rowOperationsHaveTheSameBits(int width) {
        // given rows with ordinary values, outliers beyond the 1200 bound, zeros, subnormals of E4M3, infinities and
        // NaN
        int rows = 9;
        SplittableRandom random = new SplittableRandom(width);
        float[] x = new float[rows * 2 * width];
        for (int i = 0; i < x.length; i++) {
            double spread = Math.pow(10, random.nextInt(-6, 4));
            x[i] = (float) (random.nextGaussian() * spread);
        }
        for (int i = 0; i < width; i++) {
            x[width + i] = 0f;
        }
        x[3 * width] = Float.NaN;
        x[4 * width] = Float.POSITIVE_INFINITY;
        x[5 * width] = -0f;
        float[] weight = new float[width];
        for (int i = 0; i < width; i++) {
            weight[i] = (float) random.nextGaussian();
        }
        List<float[]> expected = rowOperations(plain, x, rows, width, weight);
        for (Backends.OnThreads backend : Backends.fast(1, 2)) {
            // when
            List<float[]> actual = rowOperations(backend.rank(), x, rows, width, weight);

            // then
            for (int i = 0; i < expected.size(); i++) {
                assertSameBits(actual.get(i), expected.get(i), "%s, operation %d".formatted(backend, i));
            }
            backend.close();
        }
    }

    private static List<float[]> rowOperations(RankKernels kernels, float[] x, int rows, int width, float[] weight) {
        float[] norm = new float[rows * width];
        kernels.rmsNorm(x, rows, width, weight, 1e-5f, norm);
        float[] scales = new float[rows];
        kernels.rowAbsMax(x, rows, width, scales);
        float[] absMax = scales.clone();
        float[] quantized = x.clone();
        ActivationScaling.META.scales(scales, rows);
        kernels.quantize(quantized, rows, width, scales);
        float[] gated = new float[rows * width];
        kernels.swiGlu(x, rows, width, gated);
        return List.of(norm, absMax, scales, quantized, gated);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 12, 16, 18, 32, 64, 80, 128})
    void attentionHasTheSameBits(int headDim) {
        for (KvType type : KvType.values()) {
            attentionHasTheSameBits(headDim, type);
        }
    }

    private void attentionHasTheSameBits(int headDim, KvType type) {
        // given three sequences at several positions, grouped heads, a scale, and NaN in every slot not seen
        int heads = 6;
        int kvHeads = 2;
        int blocks = 60;
        SplittableRandom random = new SplittableRandom(headDim);
        int[][] tables = {new int[20], new int[20], new int[20]};
        for (int i = 0; i < 60; i++) {
            tables[i % 3][i / 3] = (i * 37) % blocks;
        }
        AttentionRows batch = new AttentionRows(
                8, new int[] {0, 15, 16, 63, 64, 255, 256, 300}, new int[] {0, 1, 2, 0, 1, 2, 0, 1}, tables);
        KvSlab kv = kv(type, random, batch, blocks, kvHeads, headDim);
        float[] q = new float[8 * heads * headDim];
        for (int i = 0; i < q.length; i++) {
            q[i] = (float) random.nextGaussian();
        }
        float scale = (float) (1 / Math.sqrt(headDim));
        float[] expected = new float[q.length];
        plain.attention(batch, q, heads * headDim, heads, kv, scale, expected);
        for (Backends.OnThreads backend : Backends.fast(1, 3)) {
            float[] actual = new float[q.length];

            // when
            backend.rank().attention(batch, q, heads * headDim, heads, kv, scale, actual);

            // then
            assertSameBits(actual, expected, "%s, attention over %s".formatted(backend, type));
            assertThat(actual).doesNotContain(Float.NaN);
            backend.close();
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void attentionOfManyRowsHasTheSameBits(KvType type) {
        // given a chunk of a prompt that crosses a border of 256 positions, neighbours of other sequences, and few or
        // many
        // query heads a KV head
        int headDim = 24;
        int kvHeads = 2;
        int[] positions = new int[45];
        int[] sequence = new int[45];
        for (int m = 0; m < 45; m++) {
            positions[m] = m < 40 ? 230 + m : 7 * m;
            sequence[m] = m < 40 ? 0 : 1 + m % 2;
        }
        int[][] tables = {new int[20], new int[20], new int[20]};
        for (int i = 0; i < 60; i++) {
            tables[i % 3][i / 3] = (i * 37) % 60;
        }
        AttentionRows batch = new AttentionRows(45, positions, sequence, tables);
        SplittableRandom random = new SplittableRandom(4);
        KvSlab kv = kv(type, random, batch, 60, kvHeads, headDim);
        for (int group : new int[] {1, 3, 8, 33, 65}) {
            int heads = group * kvHeads;
            float[] q = new float[45 * heads * headDim];
            for (int i = 0; i < q.length; i++) {
                q[i] = (float) random.nextGaussian();
            }
            float[] expected = new float[q.length];
            // with the greater scale, some scores are so far below the largest that their exponential is 0
            float scale = group == 3 ? 20f : 0.2f;
            plain.attention(batch, q, heads * headDim, heads, kv, scale, expected);
            for (Backends.OnThreads backend : Backends.fast(2)) {
                float[] actual = new float[q.length];

                // when
                backend.rank().attention(batch, q, heads * headDim, heads, kv, scale, actual);

                // then
                assertSameBits(actual, expected, "%s, groups of %d".formatted(backend, group));
                backend.close();
            }
        }
    }

    private static KvSlab kv(
            KvType type, SplittableRandom random, AttentionRows batch, int blocks, int kvHeads, int headDim) {
        KvSlab kv = KvSlab.of(type, blocks, kvHeads, headDim);
        Poison.fill(kv);
        int[] length = new int[3];
        for (int m = 0; m < batch.rows(); m++) {
            int s = batch.sequence()[m];
            length[s] = Math.max(length[s], batch.positions()[m] + 1);
        }
        for (int s = 0; s < 3; s++) {
            for (int p = 0; p < length[s]; p++) {
                float[] row = new float[2 * kvHeads * headDim];
                for (int i = 0; i < row.length; i++) {
                    row[i] = (float) random.nextGaussian();
                }
                AttentionRows one =
                        new AttentionRows(1, new int[] {p}, new int[] {0}, new int[][] {batch.blockTables()[s]});
                Elementwise.storeKv(one, row, row.length, 0, kv);
            }
        }
        return kv;
    }
}
