package io.altiplano.gateway.usage;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.jboss.logging.Logger;

/** From records of {@code jobs} to what is posted of them; the same for the first time and for a rebuild. */
final class Batches {
    private static final Logger LOG = Logger.getLogger(Batches.class);

    private Batches() {}

    /**
     * The batch of consecutive records of one partition.
     *
     * @param expected the offset that must be the next one to post
     */
    static Batch of(TopicPartition partition, long expected, List<ConsumerRecord<byte[], byte[]>> records) {
        return of(new Generations(), partition, expected, records);
    }

    /**
     * The same of records that others were read before.
     *
     * @param generations what the records before said of the scheduler
     */
    static Batch of(
            Generations generations,
            TopicPartition partition,
            long expected,
            List<ConsumerRecord<byte[], byte[]>> records) {
        List<LedgerEntry> entries = new ArrayList<>();
        List<DeadLetter> dead = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            try {
                JobRecord job = Topics.JOB.decode(record.value());
                if (generations.count(partition, record.offset(), job) && job.hasFinished()) {
                    entries.add(LedgerEntry.of(job.getFinished()));
                }
            } catch (SerializationException | IllegalArgumentException e) {
                LOG.errorf(
                        "%s offset %d cannot be posted and is buried: %s", partition, record.offset(), e.getMessage());
                dead.add(new DeadLetter(record.offset(), String.valueOf(e.getMessage())));
            }
        }
        long to = records.getLast().offset() + 1;
        return new Batch(
                partition.topic(),
                partition.partition(),
                expected,
                to,
                generations.holding(partition, to),
                entries,
                dead);
    }

    /**
     * Posts records of which the database refuses some: those are buried.
     *
     * @return the next offset to post: the one behind the records, or the one at which another gateway overtook
     */
    static long postOneByOne(
            Function<Batch, Ledger.Posted> poster,
            Generations generations,
            TopicPartition partition,
            long expected,
            List<ConsumerRecord<byte[], byte[]>> records) {
        long at = expected;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            Ledger.Posted posted = poster.apply(of(generations, partition, at, List.of(record)));
            if (posted == Ledger.Posted.REFUSED) {
                LOG.errorf("%s offset %d cannot be posted and is buried", partition, record.offset());
                DeadLetter letter = new DeadLetter(record.offset(), "the database refuses its data");
                long to = record.offset() + 1;
                posted = poster.apply(new Batch(
                        partition.topic(),
                        partition.partition(),
                        at,
                        to,
                        generations.holding(partition, to),
                        List.of(),
                        List.of(letter)));
            }
            if (posted != Ledger.Posted.YES) {
                return at;
            }
            at = record.offset() + 1;
        }
        return at;
    }
}
