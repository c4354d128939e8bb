package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static io.altiplano.scheduler.Samples.usage;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.scheduler.Samples;
import org.junit.jupiter.api.Test;

/** A withdrawn right: what it ends, what it refuses afterwards, and what that costs. */
class WithdrawnRightTest {
    private final Bench bench = new Bench();

    @Test
    void aWithdrawnRightDropsWhatIsQueuedAndStopsWhatRunsOfThatTenantAlone() {
        // given
        String leased = bench.running();
        String other = bench.submit(job(jobId()).setTenantId("globex"));
        bench.readBack();
        String queued = bench.submit();

        // when
        bench.withdraw("", 2);

        // then
        assertThat(bench.finished(queued).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.finished(queued).getUsage()).isEqualTo(usage(0, 0));
        assertThat(bench.work.getLast().getCancel().getJobId()).isEqualTo(leased);
        bench.end(ended(leased, 1, 0, "a", ATTEMPT_OUTCOME_CANCELLED));
        bench.readBack();
        assertThat(bench.finished(leased).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.finished(leased).getUsage()).isEqualTo(usage(5, 7));
        assertThat(bench.about(other)).hasSize(1);
    }

    @Test
    void aWithdrawnJobWhoseWorkerIsLostTooIsBilledForWhatItsGatewaySaysItRelayed() {
        // given
        String id = bench.running();
        bench.withdraw("", 2);

        // when
        bench.beat(beat(0, "b", 1));
        bench.readBack();
        assertThat(bench.notices.getLast().getRetrying().getEpoch()).isEqualTo(2);
        bench.decide(new Event.Relayed(
                JobRelayed.newBuilder()
                        .setJobId(id)
                        .setEpoch(2)
                        .addRelayedTokens(1)
                        .addRelayedTokens(2)
                        .build(),
                Samples.at(5)));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(5, 2));
    }

    @Test
    void laterSubmissionsWithAnOlderLicenceEpochAreRefusedAlsoAfterARestart() {
        // given
        bench.withdraw("", 3);
        bench.restart();
        bench.readBack();
        bench.beat(beat(0, "a", 1));

        // when
        String old = bench.submit(job(jobId()).setLicenceEpoch(2));
        String renewed = bench.submit(job(jobId()).setLicenceEpoch(3));
        bench.readBack();

        // then
        assertThat(bench.finished(old).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.phase(renewed)).isInstanceOf(Phase.Leased.class);
    }

    @Test
    void aRightWithdrawnForOneModelLeavesTheOthers() {
        // given
        bench.withdraw("llama-8b", 9);
        bench.beat(beat(0, "a", 1));

        // when
        String named = bench.submit(job(jobId()).setModel("llama-8b"));
        String other = bench.submit();
        bench.readBack();

        // then
        assertThat(bench.finished(named).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.phase(other)).isInstanceOf(Phase.Leased.class);
    }

    @Test
    void aPausedGatewaysSubmissionIsRefusedByModelThoughItComesAfterANewGrantsWork() {
        // given
        bench.withdraw("llama-8b", 5);
        bench.beat(beat(0, "a", 1));
        String regranted = bench.submit(job(jobId()).setModel("llama-8b").setLicenceEpoch(6));
        bench.readBack();

        // when
        String paused = bench.submit(job(jobId()).setModel("llama-8b").setLicenceEpoch(4));
        String others = bench.submit(
                job(jobId()).setTenantId("globex").setModel("llama-8b").setLicenceEpoch(4));
        bench.readBack();

        // then
        assertThat(bench.finished(paused).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.phase(regranted)).isInstanceOf(Phase.Leased.class);
        assertThat(bench.about(others)).noneMatch(JobRecord::hasFinished);
    }

    @Test
    void anOldWithdrawalHeardAgainNeitherEndsNewWorkNorLetsOldWorkIn() {
        // given
        bench.withdraw("", 9);
        bench.beat(beat(0, "a", 1));
        String regranted = bench.submit(job(jobId()).setLicenceEpoch(9));
        bench.readBack();

        // when
        bench.withdraw("", 3);
        bench.withdraw("", 9);
        String old = bench.submit(job(jobId()).setLicenceEpoch(8));
        bench.readBack();

        // then
        assertThat(bench.phase(regranted)).isInstanceOf(Phase.Leased.class);
        assertThat(bench.finished(old).getErrorCode()).isEqualTo("right_withdrawn");
    }

    @Test
    void aJobThatHadLostItsRightEndsWhereItsGatewayHadCutItBeforeTheFirstToken() {
        // given
        String id = bench.running();
        bench.withdraw("", 2);
        bench.decide(new Event.Cancelled(JobCancelled.newBuilder()
                .setJobId(id)
                .setPromptTokens(5)
                .setReason("right_withdrawn")
                .build()));

        // when
        bench.restart();
        bench.readBack();
        bench.beat(beat(0, "b", 1));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("right_withdrawn");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(5, 0));
    }
}
