package io.altiplano.gateway.audit;

import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** A tenant's rows of {@code audit_log} in SQL. */
final class TenantAuditStore {
    private TenantAuditStore() {}

    static Optional<Long> seq(Handle tenant, String tenantId, String hash) {
        return tenant.createQuery("SELECT seq FROM audit_log WHERE hash = decode(:hash, 'hex') AND tenant_id = :tenant")
                .bind("hash", hash)
                .bind("tenant", tenantId)
                .mapTo(Long.class)
                .findOne();
    }

    static List<TenantAudit.Entry> before(Handle tenant, String tenantId, long seq, int most) {
        return tenant.createQuery("""
                        SELECT 'audit_log-' || encode(hash, 'hex') AS id, at, actor, actor_subject, action, subject,
                            detail
                        FROM audit_log
                        WHERE tenant_id = :tenant AND seq < :seq ORDER BY seq DESC LIMIT :most""")
                .bind("tenant", tenantId)
                .bind("seq", seq)
                .bind("most", most)
                .map(ConstructorMapper.of(TenantAudit.Entry.class))
                .list();
    }
}
