package io.altiplano.gateway.audit;

import java.sql.Connection;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/** Verifies the log as one open transaction sees it, tampering included. */
final class AuditedCopy {
    private final Connection transaction;

    AuditedCopy(Connection transaction) {
        this.transaction = transaction;
    }

    Optional<String> verify() {
        Handle handle = Jdbi.open(transaction);
        AuditChain chain = AuditStore.chain(handle);
        List<AuditRow> rows = AuditStore.after(handle, Long.MIN_VALUE, 100_000);
        return chain.verify(rows).or(chain::end);
    }
}
