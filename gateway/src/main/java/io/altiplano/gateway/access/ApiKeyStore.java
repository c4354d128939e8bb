package io.altiplano.gateway.access;

import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;

/** {@code api_key} in SQL. */
final class ApiKeyStore {
    private static final String COLUMNS =
            "SELECT id, tenant_id, project_id, name, prefix, role, created_at, revoked_at FROM api_key ";

    private ApiKeyStore() {}

    /** What the look-up function gives: whom the key speaks for, and the hash that proves it. */
    @SuppressWarnings("ArrayRecordComponent")
    record Found(Caller caller, byte[] hash) {}

    /** By the public prefix; revoked keys are not there. */
    static Optional<Found> lookUp(Handle auth, String prefix) {
        return auth.createQuery("SELECT * FROM api_key_by_prefix(:prefix)")
                .bind("prefix", prefix)
                .map((rs, ctx) -> new Found(
                        new Caller(
                                rs.getString("tenant_id"),
                                rs.getString("project_id"),
                                rs.getString("key_id"),
                                Tier.valueOf(rs.getString("tier")),
                                Role.valueOf(rs.getString("role")),
                                rs.getString("cache_salt")),
                        rs.getBytes("hash")))
                .findOne();
    }

    /** One tenant of a person's. */
    record Membership(String tenantId, Role role) {}

    /** All tenants of a person, by id. */
    static List<Membership> memberships(Handle auth, String subject) {
        return auth.createQuery("SELECT tenant_id, role FROM memberships_of(:subject)")
                .bind("subject", subject)
                .map((rs, ctx) -> new Membership(rs.getString("tenant_id"), Role.valueOf(rs.getString("role"))))
                .list();
    }

    static void insert(Handle operator, ApiKey key, byte[] hash) {
        operator.createUpdate("""
                        INSERT INTO api_key (id, tenant_id, project_id, name, prefix, hash, role, created_at)
                        VALUES (:id, :tenantId, :projectId, :name, :prefix, :hash, :role, :createdAt)""").bindMethods(key).bind("hash", hash).execute();
    }

    static List<ApiKey> ofTenant(Handle operator, String tenantId) {
        return operator.createQuery(COLUMNS + "WHERE tenant_id = :tenant ORDER BY created_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(ApiKey.class))
                .list();
    }

    /** The key, locked until the transaction ends. */
    static Optional<ApiKey> lock(Handle operator, String id) {
        return operator.createQuery(COLUMNS + "WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .map(ConstructorMapper.of(ApiKey.class))
                .findOne();
    }

    static void revoke(Handle operator, String id) {
        operator.execute("UPDATE api_key SET revoked_at = now() WHERE id = ?", id);
    }
}
