package io.altiplano.gateway.tenant;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** Tiers, their events and proposals in SQL. */
final class TierStore {
    private TierStore() {}

    /** The tenant's tier, locked until the transaction ends. */
    static Optional<Tier> lock(Handle operator, String tenantId) {
        return operator.createQuery("SELECT tier FROM tenant WHERE id = :id FOR UPDATE")
                .bind("id", tenantId)
                .mapTo(String.class)
                .findOne()
                .map(Tier::valueOf);
    }

    /** Writes the event, then the move, which the database refuses without it. */
    static void move(
            Handle operator,
            String tenantId,
            Tier from,
            Tier to,
            String actor,
            String actorName,
            String reason,
            @Nullable String approvalId) {
        operator.createUpdate("""
                        INSERT INTO tier_event (tenant_id, from_tier, to_tier, actor, actor_name, reason, approval_id)
                        VALUES (:tenant, :from, :to, :actor, :actorName, :reason, :approval)""")
                .bind("tenant", tenantId)
                .bind("from", from.name())
                .bind("to", to.name())
                .bind("actor", actor)
                .bind("actorName", actorName)
                .bind("reason", reason)
                .bind("approval", approvalId)
                .execute();
        operator.execute("UPDATE tenant SET tier = ? WHERE id = ?", to.name(), tenantId);
    }

    static List<TierEvent> events(Handle operator, String tenantId) {
        return operator.createQuery("SELECT * FROM tier_event WHERE tenant_id = :tenant ORDER BY seq")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(TierEvent.class))
                .list();
    }

    static void insert(Handle operator, TierProposal p) {
        operator.createUpdate("""
                        INSERT INTO tier_proposal (id, tenant_id, from_tier, to_tier, licences, reason, recorded_by)
                        VALUES (:id, :tenant, :from, :to, :licences, :reason, :by)""")
                .bind("id", p.id())
                .bind("tenant", p.tenantId())
                .bind("from", p.fromTier().name())
                .bind("to", p.toTier().name())
                .bindArray("licences", String.class, p.licences().toArray())
                .bind("reason", p.reason())
                .bind("by", p.recordedBy())
                .execute();
    }

    static Optional<TierProposal> proposal(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM tier_proposal WHERE id = :id")
                .bind("id", id)
                .map((rs, ctx) -> new TierProposal(
                        rs.getString("id"),
                        rs.getString("tenant_id"),
                        Tier.valueOf(rs.getString("from_tier")),
                        Tier.valueOf(rs.getString("to_tier")),
                        Arrays.asList((String[]) rs.getArray("licences").getArray()),
                        rs.getString("reason"),
                        rs.getString("recorded_by")))
                .findOne();
    }

    static void insertIntegratedProduct(Handle operator, String tenantId, String licence, String approvalId) {
        operator.execute(
                "INSERT INTO integrated_product (tenant_id, licence, approval_id) VALUES (?, ?, ?)",
                tenantId,
                licence,
                approvalId);
    }

    static void endIntegratedProducts(Handle operator, String tenantId) {
        operator.execute(
                "UPDATE integrated_product SET ended_at = clock_timestamp() WHERE tenant_id = ? AND ended_at IS NULL",
                tenantId);
    }

    /** Whether a grant of Meta's is approved and has not ended. */
    static boolean hasGrant(Handle operator, String tenantId) {
        return operator.createQuery("""
                        SELECT EXISTS (SELECT FROM licence_grant WHERE tenant_id = :tenant AND state = 'APPROVED'
                            AND (last_day IS NULL OR last_day >= (now() AT TIME ZONE 'UTC')::date))""")
                .bind("tenant", tenantId)
                .mapTo(Boolean.class)
                .one();
    }
}
