package io.altiplano.scheduler.core;

import static io.altiplano.scheduler.Samples.beat;
import static io.altiplano.scheduler.Samples.relayed;
import static io.altiplano.scheduler.Samples.running;
import static io.altiplano.scheduler.Samples.usage;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.scheduler.Samples;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** An attempt was lost, and the job's gateway is asked what its client has: its answer, and what follows where none comes. */
class GatewaysAnswerTest {
    private final Bench bench = new Bench();

    @ParameterizedTest
    @CsvSource({"1", "3"})
    void aGatewayThatHoldsTheWholeAnswerEndsTheJobEvenAfterTheLastAttempt(int attempts) {
        // given
        String id = bench.running();
        for (int epoch = 1; epoch < attempts; epoch++) {
            bench.lose(id, epoch, "boot-" + epoch);
            bench.decide(new Event.Relayed(relayed(id, epoch + 1, 1), Samples.at(10 + epoch)));
            bench.readBack();
        }
        bench.lose(id, attempts, "last");

        // when
        bench.decide(new Event.Relayed(
                relayed(id, attempts + 1, 9).toBuilder()
                        .setComplete(true)
                        .setUsage(usage(5, 9))
                        .setFinishReason("length")
                        .build(),
                Samples.at(30)));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(5, 9));
        assertThat(bench.finished(id).getFinishReason()).isEqualTo("length");
    }

    @Test
    void aGatewayThatDoesNotAnswerInThreeQuartersOfAMinuteIsLostTooAndNothingIsBilled() {
        // given
        String id = bench.running();
        bench.beat(beat(0, "a", 2).addRunning(running(id, 1, 41)));
        bench.lose(id, 1, "b");

        // when
        bench.pass(44_900);
        assertThat(bench.about(id)).hasSize(2);
        bench.pass(200);

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_FAILED);
        assertThat(bench.finished(id).getErrorCode()).isEqualTo("gateway_lost");
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(0, 0));
    }

    @Test
    void aGatewayThatWasDeafForHalfAMinuteStillSaysThatItsClientHasAllOfTheAnswer() {
        // given
        String id = bench.running();
        bench.lose(id, 1, "b");
        bench.pass(31_000);

        // when
        bench.decide(new Event.Relayed(
                relayed(id, 2, 9).toBuilder()
                        .setComplete(true)
                        .setUsage(Samples.usage(5, 9))
                        .setFinishReason("length")
                        .build(),
                Samples.at(7)));
        bench.readBack();

        // then
        assertThat(bench.finished(id).getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
        assertThat(bench.finished(id).getUsage()).isEqualTo(usage(5, 9));
    }

    @ParameterizedTest
    @EnumSource(
            value = JobClass.class,
            names = {"JOB_CLASS_BATCH", "JOB_CLASS_TRAINING"})
    void aJobThatNobodyWaitsForBeginsAnewInstead(JobClass jobClass) {
        // given
        bench.beat(beat(0, "a", 1));
        String id = bench.submit(Samples.job(Samples.jobId()).setJobClass(jobClass));
        bench.readBack();
        bench.lose(id, 1, "b");

        // when
        bench.pass(44_900);
        bench.beat(beat(0, "b", 2));
        bench.pass(300);

        // then
        assertThat(bench.work.getLast().getGrant().getEpoch()).isEqualTo(2);
        assertThat(bench.work.getLast().getGrant().hasRelayed()).isFalse();
    }
}
