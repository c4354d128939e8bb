package io.altiplano.gateway.usage;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobRecord;
import java.util.List;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class GenerationsTest {
    private static final TopicPartition PARTITION = new TopicPartition("jobs", 0);

    private final Generations generations = new Generations();
    private long next;

    private boolean count(long offset, long generation) {
        return generations.count(
                PARTITION,
                offset,
                JobRecord.newBuilder().setGeneration(generation).build());
    }

    @Test
    void whatAReplacedSchedulerStillWritesDoesNotCount() {
        assertThat(count(0, 5)).isTrue();
        assertThat(count(1, 6)).isTrue();
        assertThat(count(2, 5)).isFalse();
        assertThat(count(3, 6)).isTrue();
    }

    @Test
    void whatItWroteBeforeItWasReplacedCountsWhenItIsReadAgainToo() {
        // given
        count(0, 5);
        count(1, 6);

        // when, then
        assertThat(count(0, 5)).isTrue();
        assertThat(count(1, 6)).isTrue();
    }

    @Test
    void whoeverGoesOnFromWhereAnotherStoppedKnowsWhatIsOfASchedulerThatWasReplaced() {
        // when
        generations.begin(PARTITION, 10, 6);

        // then
        assertThat(count(10, 5)).isFalse();
        assertThat(count(11, 6)).isTrue();
        assertThat(generations.holding(PARTITION, 12)).isEqualTo(6);
    }

    @Test
    void whoeverBeginsWhereNothingIsKnownTakesWhatComes() {
        // when
        generations.begin(PARTITION, 10, 0);

        // then
        assertThat(generations.holding(PARTITION, 10)).isZero();
        assertThat(count(10, 5)).isTrue();
        assertThat(generations.holding(PARTITION, 11)).isEqualTo(5);
    }

    @Test
    void aBatchTellsTheGenerationThatHoldsThePartitionBehindIt() {
        // given
        List<ConsumerRecord<byte[], byte[]>> records = LongStream.of(5, 7, 5)
                .mapToObj(generation ->
                        JobRecord.newBuilder().setGeneration(generation).build())
                .map(Topics.JOB::encode)
                .map(value -> new ConsumerRecord<>("jobs", 0, next++, new byte[0], value))
                .toList();

        // when
        Batch batch = Batches.of(generations, PARTITION, 0, records);

        // then
        assertThat(batch.generation()).isEqualTo(7);
        assertThat(batch.to()).isEqualTo(3);
    }

    @Test
    void partitionsHaveSchedulersOfTheirOwn() {
        // given
        count(0, 6);

        // when, then
        assertThat(generations.count(
                        new TopicPartition("jobs", 1),
                        1,
                        JobRecord.newBuilder().setGeneration(5).build()))
                .isTrue();
    }

    @Test
    void recordsFromBeforeThereWereGenerationsCount() {
        assertThat(count(0, 0)).isTrue();
    }
}
