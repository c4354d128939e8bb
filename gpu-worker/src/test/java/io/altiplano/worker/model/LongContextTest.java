package io.altiplano.worker.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.kernel.Kernels;
import io.altiplano.worker.kernel.KvPlane;
import io.altiplano.worker.kernel.cpu.CpuKernels;
import io.altiplano.worker.kernel.reference.ReferenceKernels;
import io.altiplano.worker.kvcache.KvStorage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Llama 3.1's whole context, on a model that is narrow enough for a test. */
class LongContextTest {
    private static final int CONTEXT = 131_072;
    private static final int BLOCKS = CONTEXT / KvStorage.BLOCK;
    private static final int CHUNK = 300;

    @TempDir
    Path dir;

    private LlamaModel load(Kernels kernels) {
        TestCheckpoint checkpoint = TestCheckpoint.of(2, 1, 8, 16, 16, 32, 2, 9);
        checkpoint.config = checkpoint
                .config
                .replace("\"max_position_embeddings\": 2048", "\"max_position_embeddings\": " + CONTEXT)
                .replace(
                        "\"rope_theta\": 10000.0",
                        "\"rope_theta\": 500000.0, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0,"
                                + " \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
                                + " \"original_max_position_embeddings\": 8192}");
        return LlamaModel.load(
                checkpoint.write(dir.resolve(kernels.name())), new ModelOptions(WeightsMode.BF16, 1, 2, kernels));
    }

    @Test
    void theLastOf131072PositionsIsComputedAsThePlainLoopsDoAndTheNextIsRefused() {
        int[] tokens = new Random(3).ints(CONTEXT, 0, 32).toArray();
        int[] table = new int[BLOCKS];
        Arrays.setAll(table, i -> (i * 37 + 11) % BLOCKS);
        try (LlamaModel model = load(new CpuKernels());
                LlamaModel plain = load(new ReferenceKernels())) {
            // given keys and values of all positions: random ones, and the last few computed from them
            KvStorage kv = model.newKvStorage(BLOCKS);
            fill(kv, new Random(5));
            int from = CONTEXT - 1 - CHUNK;
            model.forward(batch(tokens, from, CHUNK, table), kv, new float[0][]);

            // when both backends compute the last one from them
            float[] logits = last(model, tokens, table, kv);
            float[] expected = last(plain, tokens, table, kv);

            // then
            assertThat(logits).containsExactly(expected).doesNotContain(Float.NaN);
            assertThatThrownBy(() -> model.forward(
                            new ForwardBatch(
                                    new int[] {1}, new int[] {CONTEXT}, new int[1], new int[][] {table}, new int[0]),
                            kv,
                            new float[0][]))
                    .hasMessageContaining("Position 131072 is beyond the context of 131072");
            // and what it took is linear in the positions
            assertThat(kv.bytes()).isEqualTo(2 * model.newKvStorage(BLOCKS / 2).bytes());
            assertThat(kv.bytes()).isEqualTo((long) CONTEXT * 2 * 4 * (8 + 16));
        }
    }

    private static void fill(KvStorage kv, Random random) {
        for (int layer = 0; layer < kv.layers(); layer++) {
            for (KvPlane plane :
                    List.of(kv.slab(0, layer).keys(), kv.slab(0, layer).values())) {
                float[] floats = ((KvPlane.F32) plane).numbers();
                for (int i = 0; i < floats.length; i++) {
                    floats[i] = random.nextFloat() - 0.5f;
                }
            }
        }
    }

    private static float[] last(LlamaModel model, int[] tokens, int[] table, KvStorage kv) {
        float[][] logits = new float[1][32];
        int at = CONTEXT - 1;
        model.forward(
                new ForwardBatch(
                        new int[] {tokens[at]}, new int[] {at}, new int[1], new int[][] {table}, new int[] {0}),
                kv,
                logits);
        return logits[0];
    }

    private static ForwardBatch batch(int[] tokens, int from, int count, int[] table) {
        int[] positions = new int[count];
        Arrays.setAll(positions, i -> from + i);
        return new ForwardBatch(
                Arrays.copyOfRange(tokens, from, from + count),
                positions,
                new int[count],
                new int[][] {table},
                new int[0]);
    }
}
