package io.altiplano.gateway.audit;

import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code audit_log} in SQL. */
final class AuditStore {
    private AuditStore() {}

    static void append(Handle handle, AuditEntry entry, String detail) {
        handle.createUpdate("""
                        INSERT INTO audit_log (actor, actor_subject, action, tenant_id, subject, detail)
                        VALUES (:actor, :actorSubject, :action, :tenant, :subject, :detail)""")
                .bind("actor", entry.actor())
                .bind("actorSubject", entry.actorSubject())
                .bind("action", entry.action())
                .bind("tenant", entry.tenantId())
                .bind("subject", entry.subject())
                .bind("detail", detail)
                .execute();
    }

    static List<AuditRow> after(Handle handle, long seq, int limit) {
        return handle.createQuery("SELECT * FROM audit_log WHERE seq > :seq ORDER BY seq LIMIT :limit")
                .bind("seq", seq)
                .bind("limit", limit)
                .map(ConstructorMapper.of(AuditRow.class))
                .list();
    }

    static ChainSource.Head head(Handle handle) {
        return handle.createQuery("SELECT seq, hash FROM audit_head")
                .map((rs, ctx) -> new ChainSource.Head(rs.getLong("seq"), rs.getBytes("hash")))
                .one();
    }

    static long count(Handle handle) {
        return handle.createQuery("SELECT count(*) FROM audit_log")
                .mapTo(Long.class)
                .one();
    }
}
