package io.altiplano.gateway.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Where a gateway reads on when it comes to listen on more. */
class ReplyOffsetsTest {
    private static final TopicPartition OWN = new TopicPartition("replies", 0);
    private static final TopicPartition OTHERS = new TopicPartition("replies", 1);

    private final Broker consumer = new Broker();
    private final ReplyOffsets offsets = new ReplyOffsets("replies", "notices");

    /** A broker whose partitions have records at offsets 0 to 9, each at its offset's second. */
    private static final class Broker extends MockConsumer<byte[], byte[]> {
        Broker() {
            super("earliest");
            Map<TopicPartition, Long> ends = new HashMap<>();
            for (String topic : List.of("replies", "notices")) {
                for (int partition = 0; partition < 3; partition++) {
                    ends.put(new TopicPartition(topic, partition), 10L);
                }
            }
            updateEndOffsets(ends);
        }

        @Override
        public synchronized Map<TopicPartition, OffsetAndTimestamp> offsetsForTimes(
                Map<TopicPartition, Long> times, Duration timeout) {
            Map<TopicPartition, OffsetAndTimestamp> found = new HashMap<>();
            times.forEach((place, millis) -> found.put(place, new OffsetAndTimestamp(millis / 1000, millis)));
            return found;
        }
    }

    private static Instant second(int second) {
        return Instant.ofEpochSecond(second);
    }

    private List<Long> poll(TopicPartition place) {
        long from = consumer.position(place);
        for (long offset = from; offset < 10; offset++) {
            byte[] value = Long.toString(offset).getBytes(StandardCharsets.US_ASCII);
            consumer.addRecord(new ConsumerRecord<>(place.topic(), place.partition(), offset, new byte[0], value));
        }
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ZERO);
        offsets.read(consumer, records.partitions());
        List<Long> read = new ArrayList<>();
        records.records(place).forEach(record -> read.add(record.offset()));
        return read;
    }

    @Test
    void aNewPartitionIsReadFromItsEnd() {
        offsets.listen(consumer, Set.of(0), 0, null);
        assertThat(consumer.position(OWN)).isEqualTo(10);
        assertThat(consumer.assignment()).containsExactlyInAnyOrder(OWN, new TopicPartition("notices", 0));
    }

    @Test
    void whoListensAgainForLaterStillHearsWhatWasAskedForFirst() {
        // given an own partition with something unread, and another gateway's from second 3 on
        offsets.listen(consumer, Set.of(0), 0, second(6));
        offsets.listen(consumer, Set.of(0, 1), 1, second(3));

        // when a younger job is taken over from there too, before anything was read
        offsets.listen(consumer, Set.of(0, 1), 1, second(8));

        // then nothing is passed over, there or here
        assertThat(consumer.position(OWN)).isEqualTo(6);
        assertThat(poll(OTHERS)).containsExactly(3L, 4L, 5L, 6L, 7L, 8L, 9L);
    }

    @Test
    void whoListensAgainForEarlierGoesBack() {
        offsets.listen(consumer, Set.of(1), 1, second(8));
        offsets.listen(consumer, Set.of(1), 1, second(2));
        assertThat(consumer.position(OTHERS)).isEqualTo(2);
    }

    @Test
    void theSameClaimAgainPassesNothingOver() {
        offsets.listen(consumer, Set.of(0), 0, second(4));
        offsets.listen(consumer, Set.of(0), 0, null);
        assertThat(consumer.position(OWN)).isEqualTo(4);
    }

    @Test
    void noticesWaitUntilRepliesHaveCaughtUp() {
        TopicPartition notices = new TopicPartition("notices", 1);
        offsets.listen(consumer, Set.of(1), 1, second(3));
        assertThat(consumer.paused()).containsExactly(notices);

        assertThat(poll(OTHERS)).hasSize(7);

        assertThat(consumer.paused()).isEmpty();
        assertThat(consumer.position(notices)).isEqualTo(3);
    }

    @Test
    void aNewConsumerGoesOnWhereTheOldOneStood() {
        offsets.listen(consumer, Set.of(0), 0, second(5));
        Broker next = new Broker();

        offsets.resume(next);

        assertThat(next.position(OWN)).isEqualTo(5);
        assertThat(next.paused()).containsExactly(new TopicPartition("notices", 0));
    }
}
