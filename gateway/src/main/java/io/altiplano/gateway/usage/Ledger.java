package io.altiplano.gateway.usage;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import org.jdbi.v3.core.JdbiException;

/** Posts batches of finished jobs, each once, and sums what was posted. */
@ApplicationScoped
public class Ledger {
    private final Db db;

    @Inject
    Ledger(Db db) {
        this.db = db;
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
     * Posts a batch in one transaction: offset, entries, rollups, dead letters.
     *
     * @throws DatabaseUnavailableException if it could not be tried; or it was committed and the answer lost, which
     *     trying again finds out (OVERTAKEN, by ourselves)
     */
    Posted post(Batch batch) {
        try {
            return db.ledger(handle -> {
                if (!LedgerStore.advance(handle, batch)) {
                    return Posted.OVERTAKEN;
                }
                LedgerStore.post(handle, batch.entries());
                LedgerStore.bury(handle, batch);
                return Posted.YES;
            });
        } catch (JdbiException e) {
            if (Db.isAboutData(e)) {
                return Posted.REFUSED;
            }
            throw e;
        }
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
