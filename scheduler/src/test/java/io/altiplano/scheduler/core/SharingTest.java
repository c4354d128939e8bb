package io.altiplano.scheduler.core;

import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Tenants among each other, as the core has it. */
class SharingTest {
    private final Bench bench = new Bench();

    @Test
    void aTenantsJobsBeyondItsQueueFailAtOnceAndAnotherTenantsDoNot() {
        // given: 1,000 jobs wait and nobody serves them
        List<String> first = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            first.add(bench.submit());
        }

        // when
        String beyond = bench.submit();
        String others = bench.submit(job(jobId()).setTenantId("other"));
        String batch = bench.submit(job(jobId()).setJobClass(JobClass.JOB_CLASS_BATCH));
        bench.readBack();

        // then
        JobFinished f = bench.finished(beyond);
        assertThat(f.getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(f.getErrorCode()).isEqualTo("queue_full");
        assertThat(f.getErrorMessage()).contains("1000 jobs");
        assertThat(bench.about(others)).isEmpty();
        assertThat(bench.about(batch)).isEmpty();
        assertThat(bench.about(first.getLast())).isEmpty();
    }

    @Test
    void aJobPastItsDeadlineIsCancelledAndNotBefore() {
        // given
        String id = bench.submit(job(jobId()).setSubmittedAtMs(bench.now).setDeadlineMs(bench.now + 1_000));
        bench.pass(900);
        assertThat(bench.about(id)).isEmpty();

        // when
        bench.pass(200);

        // then
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("deadline_exceeded");
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_CANCELLED);
    }

    @Test
    void whereAGatewaysClockDiffersItsJobsLastAsLongAsItSaid() {
        // given: an hour behind and an hour ahead of ours
        long hour = 3_600_000;
        String behind =
                bench.submit(job(jobId()).setSubmittedAtMs(bench.now - hour).setDeadlineMs(bench.now - hour + 1_000));
        String ahead =
                bench.submit(job(jobId()).setSubmittedAtMs(bench.now + hour).setDeadlineMs(bench.now + hour + 1_000));
        bench.pass(900);
        assertThat(bench.about(behind)).isEmpty();
        assertThat(bench.about(ahead)).isEmpty();

        // when
        bench.pass(200);

        // then
        assertThat(bench.finished(behind).getErrorCode()).isEqualTo("deadline_exceeded");
        assertThat(bench.finished(ahead).getErrorCode()).isEqualTo("deadline_exceeded");
    }

    @Test
    void whoHadLessIsNextAlsoAfterARestart() {
        // given: one worker of two places; "acme" has both, others wait
        bench.beat(beat(0, "a", 1));
        bench.submit();
        bench.submit();
        String third = bench.submit();
        String others = bench.submit(job(jobId()).setTenantId("other"));
        bench.readBack();

        // when
        bench.restart();
        bench.readBack();
        bench.beat(beat(1, "b", 1).setCapacity(1));
        bench.readBack();

        // then
        assertThat(bench.about(others)).hasSize(1);
        assertThat(bench.about(third)).isEmpty();
    }

    @Test
    void aJobThatOnlyALargeWorkerCanTakeIsNotOvertakenThereAndSmallWorkersDoNotStandIdle() {
        // given: a large worker that is full, a small one that is free
        bench.beat(beat(0, "a", 1).setCapacity(1).setTotalKvBlocks(1_000).setFreeKvBlocks(1_000));
        String first = bench.submit(job(jobId()).setEstimatedCost(8_000));
        bench.readBack();
        bench.beat(beat(1, "b", 1).setTotalKvBlocks(50).setFreeKvBlocks(50));

        // when
        String large = bench.submit(job(jobId()).setEstimatedCost(8_000));
        String small = bench.submit(job(jobId()).setTenantId("other").setEstimatedCost(100));
        bench.readBack();

        // then
        assertThat(bench.about(first)).hasSize(1);
        assertThat(bench.about(large)).isEmpty();
        assertThat(bench.about(small).getFirst().getGranted().getWorkerId()).isEqualTo("default-1");
    }
}
