package io.altiplano.gateway.usage;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.entitlement.LimitAlert;
import io.altiplano.gateway.entitlement.Settlement;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.TokenCounts;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.JdbiException;

/** Posts batches of finished jobs, each once, and sums what was posted. */
@ApplicationScoped
public class Ledger {
    private final Db db;
    private final PriceBook prices;
    private final Settlement settlement;

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

    /** The next offset to post of a partition. */
    long nextOffset(String topic, int partition) {
        return db.ledger(handle -> LedgerStore.nextOffset(handle, topic, partition));
    }

    /**
     * Posts a batch in one transaction: offset, entries, rollups, dead letters, and the end of the jobs' reservations.
     *
     * @throws DatabaseUnavailableException if it could not be tried; or it was committed and the answer lost, which
     *     trying again finds out (OVERTAKEN, by ourselves)
     */
    Posted post(Batch batch) {
        try {
            List<LimitAlert> alerts = new ArrayList<>();
            Posted posted = db.ledger(handle -> {
                if (!LedgerStore.advance(handle, batch)) {
                    return Posted.OVERTAKEN;
                }
                LedgerStore.post(handle, batch.entries());
                LedgerStore.bury(handle, batch);
                // Last: admissions of the same tenants wait from here to the commit.
                alerts.addAll(settlement.settle(handle, used(batch.entries())));
                return Posted.YES;
            });
            Settlement.tell(alerts);
            return posted;
        } catch (JdbiException e) {
            if (Db.isAboutData(e)) {
                return Posted.REFUSED;
            }
            throw e;
        }
    }

    private List<Settlement.Used> used(List<LedgerEntry> entries) {
        return entries.stream()
                .map(e -> new Settlement.Used(
                        // Saturated: counts that add up to more than a long are the database's to refuse.
                        e.jobId(),
                        e.promptTokens() + Math.min(e.completionTokens(), Long.MAX_VALUE - e.promptTokens()),
                        prices.at(e.submittedAt())
                                .of(e.tenantId(), e.model())
                                .cost(new TokenCounts(
                                        e.promptTokens(),
                                        e.cachedTokens(),
                                        e.completionTokens(),
                                        0,
                                        !e.adapter().isEmpty(),
                                        false))
                                .total()))
                .toList();
    }

    /** A tenant's sums by model, under its row rules. */
    public List<UsageTotal> totals(String tenantId) {
        return db.tenant(tenantId, handle -> LedgerStore.totals(handle, tenantId));
    }

    /** All tenants' sums by model. */
    public List<UsageTotal> totals() {
        return db.operator(handle -> LedgerStore.totals(handle, null));
    }
}
