package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED;
import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static io.altiplano.scheduler.Samples.running;
import static io.altiplano.scheduler.Samples.usage;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.scheduler.Samples;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Cancellation, in every phase, and what it costs. */
class CancellationTest {
    private final Bench bench = new Bench();

    /** Where a job stands when its client goes, with 6 tokens relayed, and what it is billed. */
    enum When {
        QUEUED(usage(0, 0)),
        GRANT_ON_ITS_WAY(usage(5, 7)),
        LEASED(usage(5, 7)),
        LEASED_AND_THEN_LOST(usage(5, 6)),
        AWAITING_RELAY(usage(5, 6)),
        QUEUED_AGAIN(usage(5, 6));

        final Usage billed;

        When(Usage billed) {
            this.billed = billed;
        }
    }

    private void cancel(String id) {
        bench.decide(new Event.Cancelled(JobCancelled.newBuilder()
                .setJobId(id)
                .setRelayedTokens(6)
                .setPromptTokens(5)
                .setReason("closed")
                .build()));
    }

    private String bring(When when) {
        if (when == When.QUEUED) {
            return bench.submit();
        }
        if (when == When.GRANT_ON_ITS_WAY) {
            bench.beat(beat(0, "a", 1));
            return bench.submit();
        }
        String id = bench.running();
        if (when == When.AWAITING_RELAY || when == When.QUEUED_AGAIN) {
            bench.beat(beat(0, "b", 1).setDraining(true));
            bench.readBack();
        }
        if (when == When.QUEUED_AGAIN) {
            bench.decide(new Event.Relayed(
                    JobRelayed.newBuilder().setJobId(id).setEpoch(2).build(), Samples.at(5)));
            bench.readBack();
            assertThat(bench.phase(id)).isEqualTo(new Phase.Queued(1));
        }
        return id;
    }

    @ParameterizedTest
    @EnumSource
    void aCancelledJobEndsOnceInWhateverPhaseItIsAndIsBilledForWhatWasRelayedOrMade(When when) {
        // given
        String id = bring(when);

        // when
        cancel(id);
        cancel(id);
        bench.readBack();
        if (when == When.LEASED_AND_THEN_LOST) {
            bench.beat(beat(0, "b", 1));
        } else if (when == When.LEASED || when == When.GRANT_ON_ITS_WAY) {
            assertThat(bench.work)
                    .filteredOn(w -> w.getCancel().getEpoch() == 1)
                    .isNotEmpty();
            bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_CANCELLED));
        }
        bench.readBack();

        // then
        JobFinished f = bench.finished(id);
        assertThat(f.getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_CANCELLED);
        assertThat(f.getErrorCode()).isEqualTo("cancelled");
        assertThat(f.getErrorMessage()).isEqualTo("closed");
        assertThat(f.getUsage()).isEqualTo(when.billed);
        assertThat(bench.core.unfinished() + bench.core.leased() + bench.core.waiting())
                .isZero();
    }

    @Test
    void anAttemptStoppedBeforeItsPrefillIsBilledForWhatEarlierOnesGaveTheClient() {
        // given
        String id = bench.running();
        cancel(id);

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_CANCELLED).setUsage(usage(0, 0)));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(5, 6));
    }

    @Test
    void aJobThatCompletesBeforeItsCancellationReachesTheWorkerSucceeds() {
        // given
        String id = bench.running();
        cancel(id);

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
    }

    @Test
    void aCancellationThatTheWorkerMissedIsRepeatedWhenItListsTheAttempt() {
        // given
        String id = bench.running();
        cancel(id);
        int sent = bench.work.size();

        // when
        bench.pass(1_000);
        bench.beat(beat(0, "a", 2).addRunning(running(id, 1, 9)));

        // then
        assertThat(bench.work).hasSize(sent + 1);
        assertThat(bench.work.getLast().getCancel().getJobId()).isEqualTo(id);
    }

    @Test
    void cancellingWhatIsUnknownOrFinishedChangesNothing() {
        // given
        String id = bench.running();
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        int before = bench.written.size();

        // when
        cancel(id);
        cancel(jobId());
        bench.pass(500);

        // then
        assertThat(bench.written).hasSize(before);
    }

    @Test
    void aCancellationThatComesBeforeItsJobEndsItWhenItComesAlsoAfterARestart() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = jobId();

        // when
        bench.decide(new Event.Cancelled(JobCancelled.newBuilder()
                .setJobId(id)
                .setReason("submission_failed")
                .build()));
        bench.restart();
        bench.readBack();
        bench.submit(job(id));
        bench.readBack();

        // then
        assertThat(bench.work).isEmpty();
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_CANCELLED);
        assertThat(bench.finished(id).getErrorMessage()).isEqualTo("submission_failed");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(0, 0));
    }

    @Test
    void whoeverEndsARunningJobItsWorkerIsToldAtOnceAndFreeForTheNextWhenItStops() {
        for (String by : List.of("client", "right", "deadline")) {
            // given: a worker of one place, one job that runs and one that waits
            Bench b = new Bench();
            b.beat(Samples.beat(0, "a", 1).setCapacity(1));
            String running = b.submit(Samples.job(Samples.jobId())
                    .setTenantId("ending")
                    .setLicenceEpoch(1)
                    .setSubmittedAtMs(b.now)
                    .setDeadlineMs(by.equals("deadline") ? b.now + 300 : 0));
            String waiting = b.submit(Samples.job(Samples.jobId()).setTenantId("other"));
            b.readBack();
            b.work.clear();

            // when
            switch (by) {
                case "client" ->
                    b.decide(new Event.Cancelled(
                            JobCancelled.newBuilder().setJobId(running).build()));
                case "right" ->
                    b.decide(new Event.Withdrawn(RightWithdrawn.newBuilder()
                            .setTenantId("ending")
                            .setLicenceEpoch(2)
                            .build()));
                default -> b.pass(300);
            }

            // then: the worker's next input; it takes it between two steps
            assertThat(b.work)
                    .as(by)
                    .singleElement()
                    .satisfies(w -> assertThat(w.getCancel().getJobId()).isEqualTo(running));
            b.end(Samples.ended(running, 1, 0, "a", ATTEMPT_OUTCOME_CANCELLED));
            b.readBack();
            assertThat(b.finished(running).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_CANCELLED);
            assertThat(b.work.getLast().getGrant().getJobId()).isEqualTo(waiting);
        }
    }
}
