package io.altiplano.worker.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.cpu.CpuKernels;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What it costs to hold keys and values in fewer bits. Held numbers differ from computed ones by at most e(x): for BF16
 * {@code 2^-8 |x|}; for FP8 under a token's scale {@code max(2^-4 |x|, 2^-10 max|x| / 448)}. So a score moves by at most
 * {@code delta_j = scale * sum |q_d| e(k_jd)}, a softmax weight by a factor of at most {@code f_j = exp(delta_j) / sum p_i exp(-delta_i)}, and
 * an output by at most {@code sum_j p_j (e(v_jd) f_j + |v_jd| (f_j - 1))}; F32 arithmetic adds less than a thousandth of BF16's share.
 */
class KvTypeTest {
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int DIM = 32;
    private static final int LENGTH = 300;
    private static final float SCALE = (float) (1 / Math.sqrt(DIM));
    private static final int[] BLOCKS = IntStream.range(0, 19).toArray();
    /** Where rows stand: a first token's output is its value, many tokens' errors even out. */
    private static final int[] POSITIONS = {0, 1, 2, 7, 17, 100, LENGTH - 1};

    /** Keys and values of a sequence, each head with tokens of very different sizes; and a row of queries. */
    private record Sequence(float[][][] keys, float[][][] values, float[] q) {
        static Sequence random(long seed) {
            SplittableRandom random = new SplittableRandom(seed);
            float[][][] keys = new float[LENGTH][KV_HEADS][DIM];
            float[][][] values = new float[LENGTH][KV_HEADS][DIM];
            for (int p = 0; p < LENGTH; p++) {
                for (int h = 0; h < KV_HEADS; h++) {
                    double size = Math.exp(random.nextGaussian());
                    for (int d = 0; d < DIM; d++) {
                        keys[p][h][d] = (float) (0.3 * size * random.nextGaussian());
                        values[p][h][d] = (float) (size * random.nextGaussian());
                    }
                }
            }
            float[] q = new float[HEADS * DIM];
            for (int i = 0; i < q.length; i++) {
                q[i] = (float) random.nextGaussian();
            }
            return new Sequence(keys, values, q);
        }

        KvSlab held(KvType type) {
            KvSlab kv = KvSlab.of(type, 19, KV_HEADS, DIM);
            Poison.fill(kv);
            for (int p = 0; p < LENGTH; p++) {
                for (int h = 0; h < KV_HEADS; h++) {
                    float[] both = Arrays.copyOf(keys[p][h], 2 * DIM);
                    System.arraycopy(values[p][h], 0, both, DIM, DIM);
                    kv.store(p / KvSlab.BLOCK, h, p % KvSlab.BLOCK, both, 0, DIM);
                }
            }
            return kv;
        }
    }

    private static float[] attend(KvSlab kv, Sequence sequence, int position) {
        AttentionRows row = new AttentionRows(1, new int[] {position}, new int[] {0}, new int[][] {BLOCKS});
        float[] out = new float[HEADS * DIM];
        try (RankKernels kernels = new CpuKernels().forRank(1)) {
            kernels.attention(row, sequence.q, HEADS * DIM, HEADS, kv, SCALE, out);
        }
        return out;
    }

    private static double error(KvType type, float x, float[] token) {
        double absMax = 0;
        for (float each : token) {
            absMax = Math.max(absMax, Math.abs(each));
        }
        return switch (type) {
            case F32 -> 0;
            case BF16 -> 0x1p-8 * Math.abs(x);
            case FP8 -> Math.max(0x1p-4 * Math.abs(x), 0x1p-10 * absMax / 448);
        };
    }

    /** The largest share of its bound that an output's distance from double arithmetic on unrounded numbers has. */
    private static double shareOfBound(KvType type, KvSlab kv, Sequence s) {
        double worst = 0;
        for (int position : POSITIONS) {
            float[] actual = attend(kv, s, position);
            for (int h = 0; h < HEADS; h++) {
                worst = Math.max(worst, shareOfBound(type, s, position + 1, h, actual));
            }
        }
        return worst;
    }

    private static double shareOfBound(KvType type, Sequence s, int seen, int h, float[] actual) {
        int kvHead = h / (HEADS / KV_HEADS);
        double[] weight = new double[seen];
        double[] delta = new double[seen];
        double total = 0;
        double least = 0;
        for (int p = 0; p < seen; p++) {
            double score = 0;
            for (int d = 0; d < DIM; d++) {
                double q = s.q[h * DIM + d] * (double) SCALE;
                score += q * s.keys[p][kvHead][d];
                delta[p] += Math.abs(q) * error(type, s.keys[p][kvHead][d], s.keys[p][kvHead]);
            }
            weight[p] = Math.exp(score);
            total += weight[p];
            least += weight[p] * Math.exp(-delta[p]);
        }
        double worst = 0;
        for (int d = 0; d < DIM; d++) {
            double exact = 0;
            double bound = 0;
            for (int p = 0; p < seen; p++) {
                float v = s.values[p][kvHead][d];
                double factor = Math.exp(delta[p]) * total / least;
                double moved = error(type, v, s.values[p][kvHead]) * factor + Math.abs(v) * (factor - 1 + 0x1p-18);
                exact += weight[p] / total * v;
                bound += weight[p] / total * moved;
            }
            worst = Math.max(worst, Math.abs(actual[h * DIM + d] - exact) / bound);
        }
        return worst;
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void outputsStayWithinTheBoundThatFollowsFromTheType(KvType type) {
        for (long seed = 1; seed <= 5; seed++) {
            Sequence sequence = Sequence.random(seed);
            assertThat(shareOfBound(type, sequence.held(type), sequence)).isLessThan(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, BF16", "BF16, FP8"})
    void fewerBitsThanSaidAreBeyondTheBound(KvType said, KvType held) {
        Sequence sequence = Sequence.random(1);
        assertThat(shareOfBound(said, sequence.held(held), sequence)).isGreaterThan(1);
    }

    @Test
    void tokensUnderEachOthersScaleAreBeyondTheBound() {
        // given
        Sequence sequence = Sequence.random(1);
        KvSlab kv = sequence.held(KvType.FP8);
        float[] scales = ((KvPlane.Fp8) kv.values()).scales();

        // when a block's tokens have the scale of its first
        for (int i = 0; i < scales.length; i++) {
            scales[i] = scales[i / KvSlab.BLOCK * KvSlab.BLOCK];
        }

        // then
        assertThat(shareOfBound(KvType.FP8, kv, sequence)).isGreaterThan(1);
    }

    @Test
    void aTokensHeldNumbersDependOnItAlone() {
        // given a block whose other tokens are a thousand times as large
        Sequence alone = Sequence.random(1);
        Sequence beside = Sequence.random(1);
        for (int p = 1; p < LENGTH; p++) {
            for (int h = 0; h < KV_HEADS; h++) {
                for (int d = 0; d < DIM; d++) {
                    beside.keys[p][h][d] *= 1000;
                }
            }
        }

        // when
        KvSlab one = alone.held(KvType.FP8);
        KvSlab other = beside.held(KvType.FP8);

        // then
        for (int d = 0; d < DIM; d++) {
            assertThat(other.key(0, 1, 0, d)).isEqualTo(one.key(0, 1, 0, d));
        }
    }

    @Test
    void bytesFollowFromTheType() {
        assertThat(KvSlab.of(KvType.BF16, 3, 2, 32).bytes())
                .isEqualTo(KvSlab.of(KvType.F32, 3, 2, 32).bytes() / 2);
        // a code a number, and a scale a token and head for keys and for values
        assertThat(KvSlab.of(KvType.FP8, 3, 2, 32).bytes()).isEqualTo(2 * (3 * 2 * 16 * (32 + 4) + KvPlane.PADDING));
    }

    @Test
    void anUnknownTypeIsRefusedWithTheKnownOnes() {
        assertThatThrownBy(() -> KvType.of("int4")).hasMessage("Unknown KV type 'int4': use one of [f32, bf16, fp8]");
    }
}
