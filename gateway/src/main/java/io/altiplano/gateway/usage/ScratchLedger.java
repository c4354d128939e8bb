package io.altiplano.gateway.usage;

import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jdbi.v3.core.Handle;

/**
 * A second ledger in the temporary tables of one session: they have the names and rules of the real ones and stand before
 * them, so that the same statements write them. Nothing of it is seen by others, and it goes with the session.
 */
final class ScratchLedger {
    private final Handle session;
    private final PriceList prices;
    private final Generations generations = new Generations();

    /** @param session of the ledger's role, in no transaction */
    ScratchLedger(Handle session) {
        this.session = session;
        for (LedgerTable table : LedgerTable.values()) {
            session.execute(
                    "CREATE TEMPORARY TABLE " + table.table() + " (LIKE public." + table.table() + " INCLUDING ALL)");
        }
        this.prices = PriceBook.read(session);
    }

    /** The next offset to post of a partition. */
    long nextOffset(TopicPartition partition) {
        return session.inTransaction(h -> LedgerStore.nextOffset(h, partition.topic(), partition.partition()));
    }

    /** Posts consecutive records of one partition as a gateway would; the next offset to post. */
    long post(TopicPartition partition, long expected, List<ConsumerRecord<byte[], byte[]>> records) {
        return switch (post(Batches.of(generations, partition, expected, records))) {
            case YES -> records.getLast().offset() + 1;
            case OVERTAKEN -> nextOffset(partition);
            case REFUSED -> Batches.postOneByOne(this::post, generations, partition, expected, records);
        };
    }

    /** Takes over a correction as it was made. */
    void correct(Correction correction) {
        session.useTransaction(h -> CorrectionStore.insert(h, correction));
    }

    private Ledger.Posted post(Batch batch) {
        return Ledger.posting(
                () -> session.inTransaction(h -> Ledger.write(h, batch, prices).posted()));
    }
}
