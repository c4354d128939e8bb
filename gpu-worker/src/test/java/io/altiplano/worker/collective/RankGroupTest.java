package io.altiplano.worker.collective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RankGroupTest {
    @Test
    void sumsAreTheBinaryTreeOnEveryRank() {
        // given contributions whose sum depends on the order: (1e8 + -1e8) + (1 + 2)
        float[] parts = {1e8f, -1e8f, 1f, 2f};
        float[] results = new float[4];
        try (RankGroup group = new RankGroup(4, "test")) {
            // when
            group.run(comm -> {
                comm.buffer(1)[0] = parts[comm.rank()];
                results[comm.rank()] = comm.allReduceSum(1)[0];
            });
        }

        // then
        assertThat(results).containsExactly(3f, 3f, 3f, 3f);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8})
    void manyCollectivesInARowNeverMixTheirBuffers(int ranks) {
        // given
        int rounds = 3000;
        int[] wrong = new int[ranks];
        try (RankGroup group = new RankGroup(ranks, "test")) {
            // when
            group.run(comm -> {
                for (int i = 0; i < rounds; i++) {
                    int count = 1 + i % 7;
                    float[] mine = comm.buffer(count);
                    for (int j = 0; j < count; j++) {
                        mine[j] = i + comm.rank() + j;
                    }
                    float expected = ranks * (i + count - 1f) + ranks * (ranks - 1) / 2f;
                    float actual = i % 3 == 0
                            ? comm.allReduceSum(count)[count - 1]
                            : i % 3 == 1
                                    ? sum(comm.allGather(), count - 1)
                                    : comm.allReduceMax(count)[count - 1] * ranks - ranks * (ranks - 1) / 2f;
                    wrong[comm.rank()] += actual == expected ? 0 : 1;
                }
            });
            assertThat(group.operations()).isEqualTo(rounds);
        }

        // then
        assertThat(wrong).containsOnly(0);
    }

    private static float sum(float[][] shown, int at) {
        float sum = 0;
        for (float[] buffer : shown) {
            sum += buffer[at];
        }
        return sum;
    }

    @Test
    void aMaximumWithNaNIsNaNOnEveryRank() {
        // given
        float[] results = new float[2];
        try (RankGroup group = new RankGroup(2, "test")) {
            // when
            group.run(comm -> {
                comm.buffer(1)[0] = comm.rank() == 0 ? Float.NaN : 5f;
                results[comm.rank()] = comm.allReduceMax(1)[0];
            });
        }

        // then
        assertThat(results).containsOnly(Float.NaN);
    }

    @Test
    void aRankThatFailsReleasesTheOthersAndTheGroupGoesOn() {
        // given
        float[] results = new float[4];
        try (RankGroup group = new RankGroup(4, "test")) {
            // when, then
            assertThatThrownBy(() -> group.run(comm -> {
                        if (comm.rank() == 2) {
                            throw new IllegalStateException("out of something");
                        }
                        comm.buffer(1)[0] = 1f;
                        comm.allReduceSum(1);
                    }))
                    .hasMessage("out of something");
            group.run(comm -> {
                comm.buffer(1)[0] = 1f;
                results[comm.rank()] = comm.allReduceSum(1)[0];
            });
        }
        assertThat(results).containsOnly(4f);
    }

    @Test
    void aClosedGroupRefusesWork() {
        // given
        RankGroup group = new RankGroup(2, "test");
        group.close();

        // when, then
        assertThatThrownBy(() -> group.run(comm -> {})).hasMessage("The model is closed");
    }
}
