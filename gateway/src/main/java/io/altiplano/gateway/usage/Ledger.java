package io.altiplano.gateway.usage;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.entitlement.LimitAlert;
import io.altiplano.gateway.entitlement.Settlement;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;

/** Posts batches of finished jobs, each once, and sums what was posted. */
@ApplicationScoped
public class Ledger {
    private final Db db;
    private final PriceBook prices;
    private final Settlement settlement;
    /** Months whose partitions are committed. */
    private final Set<Instant> months = ConcurrentHashMap.newKeySet();

    @Inject
    Ledger(Db db, PriceBook prices, Settlement settlement) {
        this.db = db;
        this.prices = prices;
        this.settlement = settlement;
    }

    /** Where a batch got to. */
    enum Posted {
        /** It is posted and the offset moved. */
        YES,
        /** Another gateway had moved the offset; nothing was done. */
        OVERTAKEN,
        /** The database refuses its data; nothing was done. */
        REFUSED
    }

    /** Where the posting of a partition stands. */
    LedgerStore.Place place(String topic, int partition) {
        return db.ledger(handle -> LedgerStore.place(handle, topic, partition));
    }

    /** The next offset to post of a partition. */
    long nextOffset(String topic, int partition) {
        return place(topic, partition).offset();
    }

    /**
     * Posts a batch in one transaction: offset, entries with their costs, rollups, dead letters, and the end of the
     * jobs' reservations.
     *
     * @throws DatabaseUnavailableException if it could not be tried; or it was committed and the answer lost, which
     *     trying again finds out (OVERTAKEN, by ourselves)
     */
    Posted post(Batch batch) {
        PriceList known = prices.prices();
        Set<Instant> needed = batch.entries().stream()
                .map(LedgerEntry::month)
                .filter(month -> !months.contains(month))
                .collect(Collectors.toSet());
        List<LimitAlert> alerts = new ArrayList<>();
        Posted posted = posting(() -> db.ledger(handle -> {
            needed.forEach(month -> LedgerStore.ensurePartition(handle, month));
            Written written = write(handle, batch, known);
            // Last: admissions of the same tenants wait from here to the commit. And only what is new: the rest was
            // settled when
            // it was posted.
            alerts.addAll(settlement.settle(handle, used(written.fresh())));
            return written.posted();
        }));
        Settlement.tell(alerts);
        if (posted == Posted.YES) {
            months.addAll(needed);
        }
        return posted;
    }

    /** What settles the reservations of entries. */
    static List<Settlement.Used> used(List<CostedEntry> fresh) {
        return fresh.stream()
                .map(e -> new Settlement.Used(
                        e.entry().jobId(), e.entry().promptTokens() + e.entry().completionTokens(), e.total()))
                .toList();
    }

    /** Runs a transaction that posts; REFUSED where its data is at fault. */
    static Posted posting(Supplier<Posted> transaction) {
        try {
            return transaction.get();
        } catch (JdbiException e) {
            if (Db.isAboutData(e)) {
                return Posted.REFUSED;
            }
            throw e;
        }
    }

    /**
     * What a transaction wrote.
     *
     * @param fresh what is new in the ledger by it: not what was posted before, which came again
     */
    record Written(Posted posted, List<CostedEntry> fresh) {}

    /** Posts a batch in the handle's transaction, whose partitions are there. */
    static Written write(Handle ledger, Batch batch, PriceList prices) {
        if (!LedgerStore.advance(ledger, batch)) {
            return new Written(Posted.OVERTAKEN, List.of());
        }
        List<CostedEntry> entries = CostedEntry.of(batch.entries(), prices);
        Set<UUID> known = LedgerStore.post(ledger, entries);
        LedgerStore.bury(ledger, batch);
        return new Written(Posted.YES, CostedEntry.without(known, entries));
    }

    /** Makes the partitions of the instants' months where they are missing. */
    void ensureMonths(List<Instant> instants) {
        var unused = db.ledger(handle -> {
            instants.forEach(at -> LedgerStore.ensurePartition(handle, at));
            return true;
        });
    }

    /** A tenant's sums, under its row rules. */
    public List<UsageRow> usage(String tenantId, UsageQuery query) {
        return db.tenant(tenantId, handle -> UsageStore.sums(handle, tenantId, query));
    }

    /** All tenants' sums. */
    public List<UsageRow> usage(UsageQuery query) {
        return db.operator(handle -> UsageStore.sums(handle, null, query));
    }
}
