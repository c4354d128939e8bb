package io.altiplano.scheduler.core;

import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED;
import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_FAULTED;
import static io.altiplano.contracts.v1.AttemptOutcome.ATTEMPT_OUTCOME_REJECTED;
import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.ended;
import static io.altiplano.scheduler.Samples.relayed;
import static io.altiplano.scheduler.Samples.running;
import static io.altiplano.scheduler.Samples.usage;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.core.Effect.What;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Grants, expiry, retries and ends. */
class LeaseLifeTest {
    private final Bench bench = new Bench();

    @Test
    void aGrantIsSentOnlyWhenItsRecordIsReadBack() {
        // given
        bench.beat(beat(0, "a", 1));

        // when
        String id = bench.submit();

        // then
        assertThat(bench.log).extracting(JobRecord::getBodyCase).containsExactly(JobRecord.BodyCase.GRANTED);
        assertThat(bench.work).isEmpty();
        bench.readBack();
        WorkRecord grant = bench.work.getFirst();
        assertThat(grant.getBootId()).isEqualTo("a");
        assertThat(grant.getGrant().getJobId()).isEqualTo(id);
        assertThat(grant.getGrant().getEpoch()).isEqualTo(1);
        assertThat(grant.getGrant().getTermMs()).isEqualTo(Bench.TERM);
        assertThat(grant.getGrant().hasRelayed()).isFalse();
    }

    @Test
    void theFirstGrantOfAnEpochInTheLogWinsAndARepeatOfItSendsTheWorkAgain() {
        // given
        String id = bench.running();
        JobRecord first = bench.about(id).getFirst();
        LeaseGranted rival = first.getGranted().toBuilder()
                .setWorkerId("default-1")
                .setBootId("z")
                .build();

        // when
        bench.apply(first.toBuilder().setGranted(rival).build());
        bench.apply(first);

        // then
        assertThat(bench.happened).anyMatch(h -> h.what() == What.LEASE_GRANT_FENCED);
        assertThat(bench.work).hasSize(2);
        assertThat(bench.work.get(1)).isEqualTo(bench.work.get(0));
    }

    @ParameterizedTest(name = "epoch {0}, worker {1}, boot {2}")
    @CsvSource({"0, 0, a", "2, 0, a", "1, 1, a", "1, 0, b"})
    void theEndOfAnotherAttemptThanTheLeasedOneIsDropped(int epoch, int worker, String boot) {
        // given
        String id = bench.running();

        // when
        bench.end(ended(id, epoch, worker, boot, ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();

        // then
        assertThat(bench.about(id)).hasSize(1);
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
    }

    @Test
    void aCompletedAttemptFinishesTheJobWithItsCountsAndTellsTheGateway() {
        // given
        String id = bench.running();

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_COMPLETED));
        bench.readBack();

        // then
        JobFinished f = bench.finished(id);
        assertThat(f)
                .isEqualTo(JobFinished.newBuilder()
                        .setJobId(id)
                        .setChoice(2)
                        .setOutcome(JobOutcome.JOB_OUTCOME_SUCCEEDED)
                        .setUsage(usage(5, 7))
                        .setFinishReason("stop")
                        .setTenantId("acme")
                        .setProjectId("main")
                        .setApiKeyId("key-1")
                        .setModel("llama")
                        .setAttempts(1)
                        .setSubmittedAtMs(1)
                        .setFinishedAtMs(bench.now)
                        .setDecisionId("d-1")
                        .setJobClass(JobClass.JOB_CLASS_INTERACTIVE)
                        .build());
        assertThat(bench.notices)
                .containsExactly(
                        NoticeRecord.newBuilder().setNonce(99).setFinished(f).build());
        assertThat(bench.core.leased()).isZero();
    }

    @Test
    void aRejectedAttemptFailsTheJobAtOnceAndCostsNothing() {
        // given
        String id = bench.running();

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_REJECTED)
                .setErrorCode("model_not_found")
                .setErrorMessage("no such model"));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("model_not_found");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(0, 0));
    }

    @Test
    void aNewBootEndsTheOldOnesLeasesAtOnceAndTheNextAttemptGoesOnFromTheGateway() {
        // given
        String id = bench.running();

        // when
        bench.lose(id, 1, "b");
        bench.decide(new Event.Relayed(relayed(id, 2, 3), Samples.at(17)));
        bench.readBack();

        // then
        assertThat(bench.about(id).get(1).getExpired().getReason()).isEqualTo("rebooted");
        assertThat(bench.notices.getFirst().getRetrying().getEpoch()).isEqualTo(2);
        WorkRecord again = bench.work.getLast();
        assertThat(again.getBootId()).isEqualTo("b");
        assertThat(again.getGrant().getEpoch()).isEqualTo(2);
        assertThat(again.getGrant().getRelayed()).isEqualTo(Samples.at(17));
    }

    @Test
    void anAttemptThatNoHeartbeatListsForATermIsExpiredAndOneThatIsListedIsNot() {
        // given: two jobs, of which the worker lists one
        String lost = bench.running();
        String listed = bench.submit();
        bench.readBack();

        // when
        for (int i = 2; i < 14; i++) {
            bench.beat(beat(0, "a", i).addRunning(running(listed, 1, i)));
            bench.pass(500);
        }

        // then
        assertThat(bench.about(lost).get(1).getExpired().getReason()).isEqualTo("silent");
        assertThat(bench.about(listed)).hasSize(1);
    }

    @Test
    void silenceCountsOnlyOnceTheBrokerHasTakenARecordOfOursAfterTheTerm() {
        // given: a scheduler whose own records do not come back
        String id = bench.running();

        // when
        for (int i = 0; i < 100; i++) {
            bench.now += 100;
            bench.decide(new Event.Tick());
        }

        // then: it asks, and blames nobody
        assertThat(bench.about(id)).hasSize(1);
        assertThat(bench.log).allMatch(JobRecord::hasBarrier).isNotEmpty();

        // and when they come back late, all leases begin a fresh term
        bench.readBack();
        assertThat(bench.about(id)).hasSize(1);
        bench.pass(Bench.TERM - 200);
        assertThat(bench.about(id)).hasSize(1);
        bench.pass(600);
        assertThat(bench.about(id).get(1).getExpired().getReason()).isEqualTo("silent");
    }

    @Test
    void aProcessThatStoodStillBlamesNobodyForTheSilence() {
        // given
        String id = bench.running();

        // when
        bench.now += 60_000;
        bench.decide(new Event.Tick());
        bench.readBack();
        bench.pass(1_000);

        // then
        assertThat(bench.phase(id)).isInstanceOf(Phase.Leased.class);
        assertThat(bench.happened).anyMatch(h -> h.what() == What.LEASES_REFRESHED);
    }

    @Test
    void aFaultedAttemptOfADrainingWorkerSaysSo() {
        // given
        String id = bench.running();
        bench.beat(beat(0, "a", 2).setDraining(true).addRunning(running(id, 1, 1)));

        // when
        bench.end(ended(id, 1, 0, "a", ATTEMPT_OUTCOME_FAULTED));
        bench.readBack();

        // then
        assertThat(bench.about(id).get(1).getExpired().getReason()).isEqualTo("draining");
    }

    @Test
    void aJobThatLosesThreeAttemptsFailsAndCostsNothing() {
        // given
        String id = bench.running();

        // when
        bench.lose(id, 1, "b");
        bench.decide(new Event.Relayed(relayed(id, 2, 1), Samples.at(11)));
        bench.readBack();
        bench.lose(id, 2, "c");
        bench.decide(new Event.Relayed(relayed(id, 3, 2), Samples.at(12)));
        bench.readBack();
        bench.lose(id, 3, "d");
        bench.decide(new Event.Relayed(relayed(id, 4, 3), Samples.at(13)));
        bench.readBack();

        // then
        JobFinished f = bench.finished(id);
        assertThat(f.getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(f.getErrorCode()).isEqualTo("attempts_exhausted");
        assertThat(f.getAttempts()).isEqualTo(3);
        assertThat(f.getUsage()).isEqualTo(usage(0, 0));
        assertThat(bench.work).hasSize(3);
    }

    @Test
    void aDecisionThatIsNotReadBackIsMadeAgainAfterTwoSecondsAndNotBefore() {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit();
        bench.log.clear();

        // when
        for (int i = 0; i < 19; i++) {
            bench.now += 100;
            bench.decide(new Event.Tick());
        }
        assertThat(bench.about(id)).hasSize(1);
        bench.beat(beat(0, "a", 2));
        bench.now += 100;
        bench.decide(new Event.Tick());

        // then
        assertThat(bench.about(id)).hasSize(2);
        bench.readBack();
        assertThat(bench.work).hasSize(1);
    }

    @Test
    void anAttemptThatShouldNotRunIsToldToStop() {
        // given: the worker that was silent runs on, while another has the job
        String id = bench.running();
        bench.beat(beat(1, "x", 1));
        bench.pass(Bench.TERM + 300);
        bench.beat(beat(1, "x", 2));
        bench.decide(new Event.Relayed(relayed(id, 2, 0), Samples.at(9)));
        bench.readBack();
        assertThat(bench.phase(id).attempts()).isEqualTo(2);

        // when
        bench.beat(beat(0, "a", 2).addRunning(running(id, 1, 50)));

        // then
        WorkRecord stop = bench.work.getLast();
        assertThat(stop.getBootId()).isEqualTo("a");
        assertThat(stop.getCancel().getEpoch()).isEqualTo(1);
        assertThat(stop.getCancel().getReason()).isEqualTo("fenced");
        assertThat(bench.about(id)).extracting(JobRecord::getBodyCase).doesNotContain(JobRecord.BodyCase.FINISHED);
    }

    @Test
    void heartbeatsOfASupersededBootSayNothing() {
        // given
        String id = bench.running();
        bench.lose(id, 1, "b");
        bench.decide(new Event.Relayed(relayed(id, 2, 0), Samples.at(9)));
        bench.readBack();

        // when: replayed from before
        bench.beat(beat(0, "a", 77));
        bench.readBack();

        // then
        assertThat(bench.phase(id)).isInstanceOf(Phase.Leased.class);
        assertThat(bench.phase(id).attempts()).isEqualTo(2);
        assertThat(List.copyOf(bench.store().keySet())).contains("w/default/default-0");
    }
}
