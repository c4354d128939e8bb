package io.altiplano.gateway.licence;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** {@code licence_request} in SQL. */
final class LicenceRequestStore {
    private static final int MOST_LISTED = 1000;

    private LicenceRequestStore() {}

    /** The tenants for which a tenant's figures count, itself among them. */
    static List<String> boundBy(Handle operator, String tenantId) {
        return operator.createQuery("SELECT member_tenant FROM bound_by(:tenant)")
                .bind("tenant", tenantId)
                .mapTo(String.class)
                .list();
    }

    /** Whether a grant is approved for a licence and has not ended. */
    static boolean hasGrant(Handle operator, String tenantId, String licence) {
        return operator.createQuery("""
                        SELECT EXISTS (SELECT FROM licence_grant
                            WHERE tenant_id = :tenant AND state = 'APPROVED' AND :licence = ANY (licences)
                                AND (last_day IS NULL OR last_day >= (now() AT TIME ZONE 'UTC')::date))""")
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .mapTo(Boolean.class)
                .one();
    }

    /** The new one's id; empty if one is open already. */
    static Optional<String> open(Handle operator, String tenantId, String licence, long figure) {
        return operator.createQuery("""
                        INSERT INTO licence_request (id, tenant_id, licence, monthly_active_users)
                        VALUES (:id, :tenant, :licence, :figure)
                        ON CONFLICT (tenant_id, licence) WHERE state = 'OPEN' DO NOTHING RETURNING id""")
                .bind("id", "lrq_" + UUID.randomUUID().toString().replace("-", ""))
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .bind("figure", figure)
                .mapTo(String.class)
                .findOne();
    }

    /** The closed one's id; empty if none was open. */
    static Optional<String> close(
            Handle operator, String tenantId, String licence, LicenceRequest.State state, String by, String reason) {
        return operator.createQuery("""
                        UPDATE licence_request
                        SET state = :state, closed_at = clock_timestamp(), closed_by = :by, reason = :reason
                        WHERE tenant_id = :tenant AND licence = :licence AND state = 'OPEN' RETURNING id""")
                .bind("state", state.name())
                .bind("by", by)
                .bind("reason", reason)
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .mapTo(String.class)
                .findOne();
    }

    static Optional<LicenceRequest> find(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM licence_request WHERE id = :id")
                .bind("id", id)
                .map(ConstructorMapper.of(LicenceRequest.class))
                .findOne();
    }

    static List<LicenceRequest> list(Handle operator, LicenceRequest.@Nullable State state, @Nullable String tenantId) {
        return operator.createQuery("""
                        SELECT * FROM licence_request
                        WHERE (CAST(:state AS text) IS NULL OR state = :state)
                            AND (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant)
                        ORDER BY opened_at DESC, id LIMIT :limit""")
                .bind("state", state == null ? null : state.name())
                .bind("tenant", tenantId)
                .bind("limit", MOST_LISTED)
                .map(ConstructorMapper.of(LicenceRequest.class))
                .list();
    }
}
