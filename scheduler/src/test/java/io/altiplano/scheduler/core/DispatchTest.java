package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static io.altiplano.scheduler.Samples.running;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobClass;
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

    @Test
    void anInteractiveJobIsGrantedOverBatchJobsWhichHoldTheirLeasesAndAreNotOvertakenForEver() {
        // given: batch jobs in both places, and more of them waiting
        bench.beat(beat(0, "a", 1));
        List<String> batch = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            batch.add(bench.submit(job(jobId()).setJobClass(JobClass.JOB_CLASS_BATCH)));
        }
        bench.readBack();
        assertThat(granted()).isEqualTo(batch.subList(0, 2));

        // when
        List<String> interactive = List.of(bench.submit(), bench.submit(), bench.submit());
        bench.readBack();

        // then: two of them, as many as there are places; nobody lost a lease
        assertThat(granted()).hasSize(4).containsAll(interactive.subList(0, 2));
        assertThat(bench.core.leased()).isEqualTo(4);
        bench.end(ended(interactive.getFirst(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(granted()).endsWith(interactive.getLast());
        bench.end(ended(batch.getFirst(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.end(ended(batch.get(1), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(granted()).as("three leases for two places").doesNotContain(batch.getLast());
    }

    @Test
    void aBatchJobInTurnThatFitsNowhereIsPassedByInteractiveOnesWhichLeaveAPlaceToItsKind() {
        // given: batch jobs in all four places, of many projects, and so many waiting that it is their turn
        bench.beat(beat(0, "a", 1).setCapacity(4).setTotalKvBlocks(10_000).setFreeKvBlocks(10_000));
        List<String> batch = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            batch.add(bench.submit(job(jobId()).setTenantId("t" + i).setJobClass(JobClass.JOB_CLASS_BATCH)));
        }
        bench.readBack();
        List<String> interactive = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            interactive.add(bench.submit(job(jobId()).setEstimatedCost(i == 0 ? 20_000 : 5)));
        }

        // when
        bench.readBack();

        // then: the first by its turn, which costs the class a lot; the next two pass, the last would leave no place
        assertThat(granted()).hasSize(7).endsWith(interactive.get(1), interactive.get(2));
        bench.end(ended(batch.getFirst(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(granted()).hasSize(7);
    }
}
