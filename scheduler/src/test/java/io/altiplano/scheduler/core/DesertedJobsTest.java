package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static io.altiplano.scheduler.Samples.running;
import static io.altiplano.scheduler.Samples.usage;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobOutcome;
import org.junit.jupiter.api.Test;

/** The jobs of a gateway that is gone: how they end, and what they cost. */
class DesertedJobsTest {
    private final Bench bench = new Bench();

    @Test
    void jobsOfAGatewayThatIsGoneEndAndCostWhatTheirWorkersCounted() {
        // given
        bench.beat(beat(0, "a", 1).setCapacity(3));
        String running = bench.submit(job(jobId()).setGateway("gone"));
        String others = bench.submit(job(jobId()).setGateway("alive"));
        String kept = bench.submit(job(jobId()));
        String queued = bench.submit(job(jobId()).setGateway("gone"));
        bench.readBack();

        // when
        bench.desert("gone");

        // then
        assertThat(bench.finished(queued).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(bench.finished(queued).getErrorCode()).isEqualTo("gateway_lost");
        assertThat(bench.finished(queued).getUsage()).isEqualTo(usage(0, 0));
        assertThat(bench.work)
                .filteredOn(w -> w.hasCancel())
                .singleElement()
                .satisfies(w -> assertThat(w.getCancel().getJobId()).isEqualTo(running));
        bench.end(ended(running, 1, 0, "a", ATTEMPT_OUTCOME_CANCELLED));
        bench.readBack();
        assertThat(bench.finished(running).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_CANCELLED);
        assertThat(bench.finished(running).getErrorCode()).isEqualTo("gateway_lost");
        assertThat(bench.finished(running).getUsage()).isEqualTo(usage(5, 7));
        assertThat(bench.phase(others)).isInstanceOf(Phase.Leased.class);
        assertThat(bench.phase(kept)).isInstanceOf(Phase.Leased.class);
    }

    @Test
    void aJobWhoseGatewayAndWorkerAreBothGoneFailsAndCostsNothing() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit(job(jobId()).setGateway("gone"));
        bench.readBack();
        bench.beat(beat(0, "a", 2).addRunning(running(id, 1, 9)));

        // when
        bench.desert("gone");
        bench.beat(beat(0, "b", 1));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("gateway_lost");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(0, 0));
    }

    @Test
    void aJobThatLostItsWorkerFirstEndsAsSoonAsItsGatewayIsKnownToBeGone() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit(job(jobId()).setGateway("gone"));
        bench.readBack();
        bench.beat(beat(0, "b", 1));
        bench.readBack();
        bench.pass(30_000);
        assertThat(bench.phase(id)).isInstanceOf(Phase.AwaitingRelay.class);

        // when
        bench.desert("gone");

        // then
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("gateway_lost");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(0, 0));
    }

    @Test
    void aJobThatHadLostItsRightEndsToAsSoonAsItsWorkerAndItsGatewayAreGone() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit(job(jobId()).setGateway("gone"));
        bench.readBack();
        bench.withdraw("", 2);
        bench.beat(beat(0, "b", 1));
        bench.readBack();
        assertThat(bench.phase(id)).isInstanceOf(Phase.AwaitingRelay.class);

        // when
        bench.desert("gone");

        // then
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("right_withdrawn");
    }

    @Test
    void aJobThatNamesNoGatewayIsNobodysToDesert() {
        // given
        String id = bench.running();

        // when
        bench.desert("");

        // then
        assertThat(bench.phase(id)).isInstanceOf(Phase.Leased.class);
    }
}
