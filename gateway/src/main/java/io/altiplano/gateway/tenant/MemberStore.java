package io.altiplano.gateway.tenant;

import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code member} in SQL. */
final class MemberStore {
    private static final String COLUMNS = "SELECT tenant_id, subject, name, role, created_at FROM member ";

    private MemberStore() {}

    static List<Member> ofTenant(Handle handle, String tenantId) {
        return handle.createQuery(COLUMNS + "WHERE tenant_id = :tenant ORDER BY created_at, subject")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Member.class))
                .list();
    }

    static Optional<Member> find(Handle handle, String tenantId, String subject) {
        return handle.createQuery(COLUMNS + "WHERE tenant_id = :tenant AND subject = :subject")
                .bind("tenant", tenantId)
                .bind("subject", subject)
                .map(ConstructorMapper.of(Member.class))
                .findOne();
    }

    static void insert(Handle operator, Member member) {
        operator.createUpdate("""
                        INSERT INTO member (tenant_id, subject, name, role, created_at)
                        VALUES (:tenantId, :subject, :name, :role, :createdAt)""").bindMethods(member).execute();
    }

    static void setRole(Handle operator, String tenantId, String subject, Role role) {
        operator.execute(
                "UPDATE member SET role = ? WHERE tenant_id = ? AND subject = ?", role.name(), tenantId, subject);
    }

    static void delete(Handle operator, String tenantId, String subject) {
        operator.execute("DELETE FROM member WHERE tenant_id = ? AND subject = ?", tenantId, subject);
    }

    static int owners(Handle operator, String tenantId) {
        return operator.createQuery("SELECT count(*) FROM member WHERE tenant_id = :tenant AND role = 'OWNER'")
                .bind("tenant", tenantId)
                .mapTo(Integer.class)
                .one();
    }

    /** How many tenants a person owns; the count stands until the transaction ends, for what else asks for it waits. */
    static int ownedBy(Handle operator, String subject) {
        operator.createQuery("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
                .bind("subject", subject)
                .mapTo(String.class)
                .findOne();
        return operator.createQuery("SELECT count(*) FROM member WHERE subject = :subject AND role = 'OWNER'")
                .bind("subject", subject)
                .mapTo(Integer.class)
                .one();
    }
}
