package io.altiplano.gateway.access;

import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** {@code api_key} in SQL. */
final class ApiKeyStore {
    private static final String COLUMNS = """
            SELECT k.id, k.tenant_id, k.project_id, k.name, k.env, k.prefix, k.role, k.scopes, k.created_by, k.created_at,
                k.expires_at, k.revoked_at, k.rotated_from,
                (SELECT u.last_used_at FROM api_key_use u WHERE u.key_id = k.id) AS last_used_at
            FROM api_key k
            """;

    private ApiKeyStore() {}

    /** What the look-up function gives: whom the key speaks for, for what, and the hash that proves it. */
    @SuppressWarnings("ArrayRecordComponent")
    record Found(Caller caller, Set<KeyScope> scopes, boolean expired, byte[] hash) {}

    /** By the public prefix; revoked keys and those of archived projects are not there. */
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
                        scopes(rs),
                        rs.getBoolean("expired"),
                        rs.getBytes("hash")))
                .findOne();
    }

    /** Which of these keys were revoked, or are of an archived project. */
    static Set<String> ended(Handle auth, Set<String> ids) {
        return auth.createQuery("SELECT ended_api_keys(:ids)")
                .bindArray("ids", String.class, ids)
                .mapTo(String.class)
                .set();
    }

    /** Notes that keys were used, each at most once a minute. */
    static void noteUse(Handle auth, List<String> ids) {
        auth.createQuery("SELECT note_api_key_use(:ids)")
                .bindArray("ids", String.class, ids)
                .mapTo(String.class)
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
                        INSERT INTO api_key (id, tenant_id, project_id, name, env, prefix, hash, role, scopes, created_by,
                            created_at, expires_at, rotated_from)
                        VALUES (:id, :tenantId, :projectId, :name, :env, :prefix, :hash, :role, :names, :createdBy,
                            :createdAt, :expiresAt, :rotatedFrom)""")
                .bindMethods(key)
                .bindArray(
                        "names",
                        String.class,
                        key.scopes().stream().map(KeyScope::name).toList())
                .bind("hash", hash)
                .execute();
    }

    /** A tenant's keys by age; of one project, or of all where it is null. */
    static List<ApiKey> ofTenant(Handle handle, String tenantId, @Nullable String projectId) {
        return handle.createQuery(COLUMNS + """
                        WHERE k.tenant_id = :tenant AND k.project_id = coalesce(:project, k.project_id)
                        ORDER BY k.created_at, k.id""")
                .bind("tenant", tenantId)
                .bind("project", projectId)
                .map((rs, ctx) -> key(rs))
                .list();
    }

    /** The key, locked until the transaction ends. */
    static Optional<ApiKey> lock(Handle operator, KeyPlace at) {
        return operator.createQuery(COLUMNS + """
                        WHERE k.id = :id AND k.tenant_id = coalesce(:tenantId, k.tenant_id)
                            AND k.project_id = coalesce(:projectId, k.project_id)
                        FOR UPDATE OF k""")
                .bindMethods(at)
                .map((rs, ctx) -> key(rs))
                .findOne();
    }

    static void revoke(Handle operator, String id) {
        operator.execute("UPDATE api_key SET revoked_at = now() WHERE id = ?", id);
    }

    static void expire(Handle operator, String id, Instant at) {
        operator.execute("UPDATE api_key SET expires_at = ? WHERE id = ?", at, id);
    }

    static boolean hasSuccessor(Handle operator, String id) {
        return operator.createQuery("SELECT EXISTS (SELECT FROM api_key WHERE rotated_from = :id)")
                .bind("id", id)
                .mapTo(Boolean.class)
                .one();
    }

    private static ApiKey key(ResultSet rs) throws SQLException {
        return new ApiKey(
                rs.getString("id"),
                rs.getString("tenant_id"),
                rs.getString("project_id"),
                rs.getString("name"),
                rs.getString("env"),
                rs.getString("prefix"),
                Role.valueOf(rs.getString("role")),
                scopes(rs),
                rs.getString("created_by"),
                rs.getObject("created_at", OffsetDateTime.class).toInstant(),
                instant(rs, "expires_at"),
                instant(rs, "revoked_at"),
                instant(rs, "last_used_at"),
                rs.getString("rotated_from"));
    }

    private static Set<KeyScope> scopes(ResultSet rs) throws SQLException {
        Set<KeyScope> scopes = EnumSet.noneOf(KeyScope.class);
        for (String name : (String[]) rs.getArray("scopes").getArray()) {
            scopes.add(KeyScope.valueOf(name));
        }
        return scopes;
    }

    private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
        OffsetDateTime at = rs.getObject(column, OffsetDateTime.class);
        return at == null ? null : at.toInstant();
    }
}
