package io.altiplano.stack.faults;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.stack.faults.Letters.Place;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LettersTest {
    private static final Place DAMAGED = new Place("submissions", 0, 7);
    private static final Place JOB = new Place("jobs", 2, 9);

    @Test
    void eachDamagedRecordWithItsLettersAndNoOtherLetterIsInOrder() {
        // given
        List<DeadLetter> letters =
                List.of(letter("scheduler", DAMAGED), letter("scheduler", JOB), letter("gateway", JOB));

        // then
        assertThat(Letters.missing(Set.of(DAMAGED, JOB), letters, Set.of(JOB), "jobs"))
                .isEmpty();
        assertThat(Letters.unexplained(letters, Set.of(DAMAGED, JOB)::contains)).isEmpty();
    }

    @Test
    void aDamagedRecordThatTheSchedulerPassedOverInSilenceIsFound() {
        assertThat(Letters.missing(Set.of(DAMAGED), List.of(letter("worker", DAMAGED)), Set.of(), "jobs"))
                .containsExactly("the scheduler buried nothing at submissions/0/7");
    }

    @Test
    void aDamagedRecordThatTheLedgerDoesNotKnowIsFound() {
        assertThat(Letters.missing(Set.of(JOB), List.of(letter("scheduler", JOB)), Set.of(DAMAGED), "jobs"))
                .containsExactly("the ledger has no dead letter of jobs/2/9");
    }

    @Test
    void aLetterOfARecordThatNobodyDamagedIsFound() {
        assertThat(Letters.unexplained(List.of(letter("worker", DAMAGED), letter("worker", JOB)), JOB::equals))
                .singleElement()
                .asString()
                .startsWith("worker buried submissions/0/7, which nobody had damaged");
    }

    private static DeadLetter letter(String reader, Place place) {
        return DeadLetter.newBuilder()
                .setReader(reader)
                .setTopic(place.topic())
                .setPartition(place.partition())
                .setOffset(place.offset())
                .build();
    }
}
