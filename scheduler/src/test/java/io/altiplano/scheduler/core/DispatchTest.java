package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static io.altiplano.scheduler.Samples.running;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who gets work, in which order, and who gets none. */
class DispatchTest {
    private final Bench bench = new Bench();

    private List<String> granted() {
        return bench.work.stream()
                .filter(w -> w.hasGrant())
                .map(w -> w.getGrant().getJobId())
                .toList();
    }

    @Test
    void jobsGoInOrderOfArrivalAndNoMoreThanAWorkersCapacity() {
        // given
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            ids.add(bench.submit());
        }

        // when
        bench.beat(beat(0, "a", 1));
        bench.readBack();

        // then
        assertThat(granted()).isEqualTo(ids.subList(0, 2));
        bench.end(ended(ids.getFirst(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(granted()).isEqualTo(ids.subList(0, 3));
        assertThat(bench.core.waiting()).isEqualTo(1);
    }

    @Test
    void aJobWaitsForKvBlocksThatOthersMayNeed() {
        // given: 60 of 100 blocks promised
        bench.beat(beat(0, "a", 1));
        String first = bench.submit(job(jobId()).setEstimatedCost(60 * 16));
        bench.readBack();

        // when
        String second = bench.submit(job(jobId()).setEstimatedCost(41 * 16));
        bench.readBack();
        assertThat(granted()).containsExactly(first);

        // then
        bench.end(ended(first, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(granted()).containsExactly(first, second);
    }

    @Test
    void aJobThatNoWorkerIsLargeEnoughForGoesToAnEmptyOne() {
        // given
        bench.beat(beat(0, "a", 1));

        // when
        String huge = bench.submit(job(jobId()).setEstimatedCost(1_000_000));
        bench.readBack();

        // then
        assertThat(granted()).containsExactly(huge);
    }

    @Test
    void drainingAndUnheardWorkersGetNothing() {
        // given
        bench.beat(beat(0, "a", 1).setDraining(true));
        bench.beat(beat(1, "x", 1));
        bench.pass(2_000);

        // when
        String id = bench.submit();
        bench.readBack();

        // then
        assertThat(granted()).isEmpty();
        bench.beat(beat(1, "x", 2));
        bench.readBack();
        assertThat(granted()).containsExactly(id);
        assertThat(bench.work.getFirst().getBootId()).isEqualTo("x");
    }

    @Test
    void theLeastLoadedWorkerThatHasTheModelIsChosen() {
        // given
        bench.beat(beat(0, "a", 1).clearModels());
        bench.beat(beat(1, "b", 1));
        bench.beat(beat(2, "c", 1));

        // when
        for (int i = 0; i < 5; i++) {
            bench.submit();
        }
        bench.readBack();

        // then: the two that have it are filled in turn, then the one that has not
        assertThat(bench.work).extracting(w -> w.getBootId()).containsExactly("b", "c", "b", "c", "a");
    }

    @Test
    void whatAWorkerRunsBeyondItsLeasesCountsAgainstItsFreeBlocks() {
        // given: nearly all blocks are in use by what the scheduler does not know
        bench.beat(beat(0, "a", 1).setFreeKvBlocks(3).addRunning(running(jobId(), 1, 1)));

        // when
        bench.submit();
        bench.readBack();

        // then
        assertThat(granted()).isEmpty();
    }
}
