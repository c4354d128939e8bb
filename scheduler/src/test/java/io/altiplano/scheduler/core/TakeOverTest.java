package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED;
import static io.altiplano.scheduler.Samples.at;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.job;
import static io.altiplano.scheduler.Samples.jobId;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.Barrier;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.scheduler.core.Effect.What;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Restarts, replays and repeats. */
class TakeOverTest {
    private final Bench bench = new Bench();

    @Test
    void nothingIsDecidedBeforeTheOwnBarrierIsReadBack() {
        // given
        String id = bench.running();
        bench.restart();

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.submit();
        bench.beat(beat(0, "a", 2));

        // then
        assertThat(bench.log).extracting(JobRecord::getBodyCase).containsExactly(JobRecord.BodyCase.BARRIER);
        bench.readBack();
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
        assertThat(bench.core.leased()).isEqualTo(1);
    }

    @Test
    void anotherIncarnationsBarrierIsNotTakenForTheOwn() {
        // given
        bench.restart();
        JobRecord own = bench.log.remove();

        // when
        bench.apply(own.toBuilder()
                .setBarrier(own.getBarrier().toBuilder().setIncarnation("somebody"))
                .setGeneration(own.getGeneration() - 1)
                .build());

        // then
        assertThat(bench.core.caughtUp()).isFalse();
        bench.apply(own);
        assertThat(bench.core.caughtUp()).isTrue();
    }

    @Test
    void whatAReplacedSchedulerDecidedIsFencedFromItsSuccessorsBarrierOn() {
        // given: a grant that the first scheduler has decided, and a second that has taken over before it is in the log
        bench.beat(beat(0, "a", 1));
        String id = bench.submit();
        JobRecord late = bench.log.remove();
        bench.now++;
        bench.restart();
        bench.readBack();

        // when
        bench.apply(late);

        // then
        assertThat(bench.core.job(id).orElseThrow().phase()).isInstanceOf(Phase.Queued.class);
        assertThat(bench.happened).extracting(Effect.Happened::what).contains(Effect.What.DECISION_FENCED);
    }

    @Test
    void theSameRecordBeforeItsSuccessorsBarrierCounts() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit();
        JobRecord decided = bench.log.remove();
        bench.now++;
        bench.restart();

        // when
        bench.apply(decided);
        bench.readBack();

        // then
        assertThat(bench.core.job(id).orElseThrow().phase()).isInstanceOf(Phase.Leased.class);
    }

    @Test
    void whoReadsAnothersLaterBarrierDecidesNothingMore() {
        // given
        String id = bench.submit();
        JobRecord later = JobRecord.newBuilder()
                .setBarrier(Barrier.newBuilder().setIncarnation("somebody").setAtMs(bench.now))
                .setGeneration(bench.core.generation() + 1)
                .build();

        // when
        bench.apply(later);
        bench.beat(beat(0, "a", 1));

        // then
        assertThat(bench.core.replaced()).isTrue();
        assertThat(bench.about(id)).isEmpty();
    }

    @Test
    void whoTakesOverWritesAllAgainSoThatNoLateWordReplacesIt() {
        // given
        String id = bench.running();
        bench.restart();
        bench.store().clear();

        // when
        bench.readBack();

        // then
        assertThat(bench.store()).containsKeys(Stored.jobKey(id), Stored.bootKey("default", "default-0"));
    }

    @Test
    void aLostBarrierIsWrittenAgain() {
        // given
        bench.restart();
        bench.log.clear();

        // when
        bench.pass(2_200);

        // then
        assertThat(bench.core.caughtUp()).isTrue();
    }

    @Test
    void leasesGetAFullFreshTermAfterARestart() {
        // given
        String id = bench.running();
        bench.pass(Bench.TERM - 200);

        // when
        bench.restart();
        bench.readBack();

        // then
        bench.pass(Bench.TERM - 200);
        assertThat(bench.phase(id)).isInstanceOf(Phase.Leased.class);
        bench.pass(500);
        assertThat(bench.phase(id)).isInstanceOf(Phase.AwaitingRelay.class);
    }

    @Test
    void theWaitForAGatewayBeginsAgainAfterARestart() {
        // given
        String id = bench.running();
        bench.beat(beat(0, "b", 1));
        bench.readBack();
        bench.pass(44_900);

        // when
        bench.restart();
        bench.readBack();

        // then
        bench.pass(44_900);
        assertThat(bench.phase(id)).isInstanceOf(Phase.AwaitingRelay.class);
        bench.pass(200);
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("gateway_lost");
    }

    @Test
    void aJobIsRunOnceHoweverOftenItIsSubmittedWhileItsIdIsRemembered() {
        // given
        JobSubmitted job = job(jobId()).build();
        bench.beat(beat(0, "a", 1));
        bench.decide(new Event.Submitted(job, at(0)));
        bench.decide(new Event.Submitted(job, at(1)));
        bench.readBack();
        bench.end(ended(job.getJobId(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();

        // when
        bench.restart();
        bench.readBack();
        bench.decide(new Event.Submitted(job, at(2)));
        bench.readBack();

        // then
        assertThat(bench.about(job.getJobId())).hasSize(2);
        assertThat(bench.happened)
                .filteredOn(h -> h.what() == What.JOB_REPEATED)
                .hasSize(2);
    }

    @Test
    void finishedIdsAndOldBootsAreForgottenAfterAnHour() {
        // given
        String id = bench.running();
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(bench.store().keySet().stream().filter(k -> !lasting(k))).hasSize(2);

        // when
        bench.pass(3_600_000 + 20_000);

        // then
        assertThat(bench.store().keySet()).allMatch(TakeOverTest::lasting);
    }

    /** Flows, and who took over when. */
    private static boolean lasting(String key) {
        return key.startsWith("f/") || key.equals("g/");
    }

    @Test
    void recordsReadBeforeTheSubmissionTheyAreAboutTakeEffectWhenItComes() {
        // given: a life that another incarnation led
        Bench before = new Bench();
        before.beat(beat(0, "a", 1));
        JobSubmitted job = job(jobId()).build();
        before.decide(new Event.Submitted(job, at(0)));
        before.readBack();
        before.end(ended(job.getJobId(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        before.readBack();
        List<JobRecord> log = before.about(job.getJobId());

        // when: all of it is read again, jobs before submissions, with a restart between
        log.forEach(bench::apply);
        bench.restart();
        bench.decide(new Event.Submitted(job, at(0)));
        bench.readBack();

        // then
        assertThat(bench.about(job.getJobId())).isEmpty();
        assertThat(bench.notices).containsExactlyElementsOf(before.notices);
        assertThat(bench.core.unfinished()).isZero();
    }

    @Test
    void theEndOfAnAttemptReadBeforeItsGrantCounts() {
        // given
        JobSubmitted job = job(jobId()).build();
        Bench before = new Bench();
        before.beat(beat(0, "a", 1));
        before.decide(new Event.Submitted(job, at(0)));
        before.readBack();
        JobRecord granted = before.about(job.getJobId()).getFirst();
        bench.restart();

        // when
        bench.end(ended(job.getJobId(), 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.decide(new Event.Submitted(job, at(0)));
        bench.apply(granted);
        bench.readBack();

        // then
        assertThat(bench.finished(job.getJobId()).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
    }

    @Test
    void aRepeatedTerminalRecordTellsTheGatewayAgainAndASecondOneChangesNothing() {
        // given
        String id = bench.running();
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        JobRecord finished = bench.about(id).getLast();

        // when
        bench.apply(finished);

        // then
        assertThat(bench.notices).hasSize(2);
        assertThat(bench.notices.get(1)).isEqualTo(bench.notices.get(0));
        assertThat(bench.about(id)).hasSize(2);
    }

    @Test
    void aSubmissionThatBreaksTheContractFailsAndSaysWhy() {
        // when
        String noPrompt = bench.submit(job(jobId()).clearPromptTokens());
        String noReply = bench.submit(job(jobId()).clearReplyTo());
        String badPool = bench.submit(job(jobId()).setPool("../etc"));
        String badId = bench.submit(job("not-a-uuid"));
        bench.readBack();

        // then
        for (String id : List.of(noPrompt, noReply, badPool, badId)) {
            assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
            assertThat(bench.finished(id).getErrorCode()).isEqualTo("invalid_submission");
        }
        assertThat(bench.finished(badPool).getErrorMessage()).contains("../etc");
    }
}
