package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.worker.kernel.Backends;
import io.altiplano.worker.kernel.BatchDependentKernels;
import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.kernel.Poison;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.kvcache.KvStorage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A row's logits depend on its sequence alone, to the last bit. */
class BitEqualityTest {
    private static final int LENGTH = 290; // beyond one attention chunk of 256
    private static final int[] WANTED = {0, 1, 15, 16, 17, 100, 254, 255, 256, 257, 289};
    private static final Kernels VECTOR = new CpuKernels();

    @TempDir
    static Path dir;

    private static int[] prompt = new int[0];

    @BeforeAll
    static void writeCheckpoint() {
        TestCheckpoint.of(8, 8, 12, 104, 152, 203, 7).write(dir);
        SplittableRandom random = new SplittableRandom(11);
        prompt = random.ints(LENGTH, 0, 203).toArray();
    }

    private static LlamaModel load(WeightsMode mode, int ranks, int threads, Kernels kernels) {
        return LlamaModel.load(dir, new ModelOptions(mode, ranks, threads, kernels));
    }

    private static float[][] oneByOne(WeightsMode mode) {
        try (LlamaModel model = load(mode, 1, 0, VECTOR)) {
            return new Sequences(model, 20).prefill(prompt, WANTED, 1);
        }
    }

    private static void assertSameBits(float[][] actual, float[][] expected) {
        for (int i = 0; i < expected.length; i++) {
            for (int v = 0; v < expected[i].length; v++) {
                assertThat(Float.floatToRawIntBits(actual[i][v]))
                        .as("logit %d at position %d", v, WANTED[i])
                        .isEqualTo(Float.floatToRawIntBits(expected[i][v]));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void plainLoopsAndVectorsGiveTheSameBits(WeightsMode mode) {
        // given
        float[][] expected = oneByOne(mode);
        try (LlamaModel model = load(mode, 1, 0, new ReferenceKernels())) {
            // when
            float[][] actual = new Sequences(model, 20).prefill(prompt, WANTED, 64);

            // then
            assertSameBits(actual, expected);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void everyBackendGivesTheSameBits(WeightsMode mode) {
        // given
        float[][] expected = oneByOne(mode);
        for (Kernels kernels : Backends.fast()) {
            for (int ranks : new int[] {1, 4}) {
                try (LlamaModel model = load(mode, ranks, 2 * ranks, kernels)) {
                    // when one by one, in chunks of few rows, and at once
                    float[][] single = new Sequences(model, 20).prefill(prompt, WANTED, 1);
                    float[][] chunks = new Sequences(model, 20).prefill(prompt, WANTED, 13);
                    float[][] whole = new Sequences(model, 20).prefill(prompt, WANTED, LENGTH);

                    // then
                    assertSameBits(single, expected);
                    assertSameBits(chunks, expected);
                    assertSameBits(whole, expected);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void anOrderThatDependsOnTheBatchDoesNotGiveTheSameBits(WeightsMode mode) {
        // given
        float[][] expected = oneByOne(mode);
        try (LlamaModel model = load(mode, 1, 0, new BatchDependentKernels(VECTOR))) {
            // when
            float[][] single = new Sequences(model, 20).prefill(prompt, WANTED, 1);
            float[][] chunks = new Sequences(model, 20).prefill(prompt, WANTED, 16);

            // then only what had no neighbour is the same
            assertSameBits(single, expected);
            assertThat(chunks[WANTED.length - 1]).isNotEqualTo(expected[WANTED.length - 1]);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void anyNumberOfRanksAndThreadsGivesTheSameBits(WeightsMode mode) {
        // given
        float[][] expected = oneByOne(mode);
        for (int ranks : new int[] {1, 2, 4, 8}) {
            try (LlamaModel model = load(mode, ranks, 2 * ranks, VECTOR)) {
                // when
                float[][] actual = new Sequences(model, 20).prefill(prompt, WANTED, 97);

                // then
                assertSameBits(actual, expected);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void anyChunkingGivesTheSameBits(WeightsMode mode) {
        // given
        float[][] expected = oneByOne(mode);
        try (LlamaModel model = load(mode, 2, 0, VECTOR)) {
            for (int chunk : new int[] {2, 3, 5, 16, 33, 200, LENGTH}) {
                // when
                float[][] actual = new Sequences(model, 20).prefill(prompt, WANTED, chunk);

                // then
                assertSameBits(actual, expected);
            }
        }
    }

    @Test
    void neighboursInTheBatchChangeNothing() {
        // given two sequences whose rows alternate, and the same sequences alone
        int[] other = Arrays.stream(prompt).map(t -> (t * 7 + 3) % 203).toArray();
        try (LlamaModel model = load(WeightsMode.FP8_ALL, 2, 0, VECTOR)) {
            int count = 40;
            float[][] alone = new Sequences(model, 3).prefill(Arrays.copyOf(prompt, count), new int[] {count - 1}, 7);
            float[][] otherAlone =
                    new Sequences(model, 3).prefill(Arrays.copyOf(other, count), new int[] {count - 1}, 40);
            int[] tokens = new int[2 * count];
            int[] positions = new int[2 * count];
            int[] sequence = new int[2 * count];
            for (int i = 0; i < count; i++) {
                tokens[2 * i] = prompt[i];
                tokens[2 * i + 1] = other[i];
                positions[2 * i] = i;
                positions[2 * i + 1] = i;
                sequence[2 * i + 1] = 1;
            }
            float[][] together = new float[2][203];

            // when
            model.forward(
                    new ForwardBatch(
                            tokens, positions, sequence, new int[][] {{0, 2, 4}, {5, 3, 1}}, new int[] {78, 79}),
                    model.newKvStorage(6),
                    together);

            // then
            assertThat(together[0]).containsExactly(alone[0]);
            assertThat(together[1]).containsExactly(otherAlone[0]);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightsMode.class)
    void anothersKeysAndValuesOfAnEqualBeginningGiveTheSameBits(WeightsMode mode) {
        // given a sequence that was computed in one pass, and one that begins like it for 48 tokens
        int count = 90;
        int[] other = prompt.clone();
        for (int i = 50; i < other.length; i++) {
            other[i] = (other[i] * 5 + 1) % 203;
        }
        int[] wanted = {50, 63, 64, count - 1};
        try (LlamaModel model = load(mode, 2, 0, VECTOR)) {
            float[][] alone = new Sequences(model, 20).prefill(Arrays.copyOf(other, count), wanted, 7);
            Sequences shared = new Sequences(model, 20);
            shared.prefill(prompt, new int[0], LENGTH);

            // when only what differs is computed, in the blocks of the first for what does not
            float[][] reused =
                    shared.blocks(0, 1, 2, 19, 18, 17).from(48).prefill(Arrays.copyOf(other, count), wanted, 33);

            // then
            assertSameBits(reused, alone);
        }
    }

    @Test
    void whatUnusedSlotsHoldAndWhereBlocksLieChangesNothing() {
        // given storage full of NaN, and blocks in another order
        float[][] expected = oneByOne(WeightsMode.BF16);
        try (LlamaModel model = load(WeightsMode.BF16, 2, 0, VECTOR)) {
            Sequences sequences = new Sequences(model, 40);
            poison(sequences.kv());
            int[] table = new int[19];
            Arrays.setAll(table, i -> (i * 17 + 5) % 40);

            // when
            float[][] actual = sequences.blocks(table).prefill(prompt, WANTED, 50);

            // then
            assertSameBits(actual, expected);
        }
    }

    private static void poison(KvStorage kv) {
        for (int rank = 0; rank < kv.ranks(); rank++) {
            for (int layer = 0; layer < kv.layers(); layer++) {
                Poison.fill(kv.slab(rank, layer));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void howeverKeysAndValuesAreHeldARowDependsOnItsSequenceAlone(KvType type) {
        // given the plain loops, one by one
        float[][] expected;
        try (LlamaModel model = load(type, 1, new ReferenceKernels())) {
            expected = new Sequences(model, 20).prefill(prompt, WANTED, 1);
        }
        for (int ranks : new int[] {1, 2, 4, 8}) {
            try (LlamaModel model = load(type, ranks, VECTOR)) {
                for (int chunk : new int[] {1, 3, 16, 97, LENGTH}) {
                    // when slots that nobody wrote hold NaN, and blocks lie in another order
                    Sequences sequences = new Sequences(model, 40);
                    poison(sequences.kv());
                    int[] table = new int[19];
                    Arrays.setAll(table, i -> (i * 17 + 5) % 40);
                    float[][] actual = sequences.blocks(table).prefill(prompt, WANTED, chunk);

                    // then
                    assertSameBits(actual, expected);

                    // when the first 48 positions are another's and the rest is computed anew, as after preemption
                    int[] again = table.clone();
                    for (int i = 3; i < again.length; i++) {
                        again[i] = table[table.length + 2 - i];
                    }
                    int[] wanted = Arrays.copyOfRange(WANTED, 5, WANTED.length);
                    float[][] reused = sequences.blocks(again).from(48).prefill(prompt, wanted, chunk);

                    // then
                    assertSameBits(reused, Arrays.copyOfRange(expected, 5, expected.length));
                }
            }
        }
    }

    private static LlamaModel load(KvType type, int ranks, Kernels kernels) {
        return LlamaModel.load(dir, new ModelOptions(WeightsMode.FP8_ALL, ranks, 2 * ranks, kernels, type));
    }

    @Test
    void typesOfKeysAndValuesDifferAndHaveFingerprintsOfTheirOwn() {
        // given
        Map<String, float[]> logits = new HashMap<>();

        // when
        for (KvType type : KvType.values()) {
            try (LlamaModel model = load(type, 1, VECTOR)) {
                logits.put(
                        model.numericsFingerprint(), new Sequences(model, 20).prefill(prompt, new int[] {100}, 50)[0]);
            }
        }

        // then the comparison above is not of equal things
        assertThat(logits).hasSize(3);
        assertThat(logits.values().stream().map(Arrays::toString)).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @CsvSource({"rope_theta", "rms_norm_eps"})
    void equalWeightsUnderAnotherConfigurationHaveAFingerprintOfTheirOwn(String key, @TempDir Path other)
            throws IOException {
        // given
        try (Stream<Path> files = Files.list(dir)) {
            for (Path file : files.toList()) {
                Files.copy(file, other.resolve(file.getFileName()));
            }
        }
        ObjectMapper mapper = new ObjectMapper();
        Path file = other.resolve("config.json");
        ObjectNode json = (ObjectNode) mapper.readTree(Files.readString(file));
        json.put(key, json.path(key).asDouble() * 2);
        Files.writeString(file, mapper.writeValueAsString(json));
        ModelOptions options = new ModelOptions(WeightsMode.FP8_ALL, 1, 1, VECTOR, KvType.BF16);

        // when
        try (LlamaModel one = load(KvType.BF16, 1, VECTOR);
                LlamaModel two = LlamaModel.load(other, options)) {
            // then
            assertThat(two.weightsSha256()).isEqualTo(one.weightsSha256());
            assertThat(two.numericsFingerprint()).isNotEqualTo(one.numericsFingerprint());
        }
    }

    @Test
    void weightsModesDiffer() {
        // given
        float[][] bf16 = oneByOne(WeightsMode.BF16);

        // when
        float[][] ffn = oneByOne(WeightsMode.FP8_FFN);
        float[][] all = oneByOne(WeightsMode.FP8_ALL);

        // then the comparison above is not of equal things
        assertThat(ffn[3]).isNotEqualTo(bf16[3]);
        assertThat(all[3]).isNotEqualTo(ffn[3]);
    }
}
