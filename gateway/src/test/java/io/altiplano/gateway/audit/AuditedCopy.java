package io.altiplano.gateway.audit;

import java.sql.Connection;
import java.util.List;
import java.util.Optional;

/** Verifies the log as one open transaction sees it, tampering included. */
final class AuditedCopy {
    private final Connection transaction;

    AuditedCopy(Connection transaction) {
        this.transaction = transaction;
    }

    Optional<AuditFault> verify() {
        return Optional.ofNullable(new AuditVerifier(ConnectionChainStore.in(transaction), List.of())
                .verify(rows -> {})
                .fault());
    }
}
