package io.altiplano.gateway.licence;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Recorded decisions in SQL, for those who look at them. */
final class DecisionStore {
    private DecisionStore() {}

    /**
     * Newest first.
     *
     * @param filter what is wanted
     * @param after the decision after which to go on, by time and id; null from the newest on
     */
    static List<DecisionRecord> list(
            Handle operator, DecisionFilter filter, @Nullable DecisionRecord after, int limit) {
        Instant since = filter.since();
        return operator.createQuery("""
                        SELECT * FROM licence_decision
                        WHERE (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant)
                            AND (CAST(:model AS text) IS NULL OR model = :model)
                            AND (CAST(:permitted AS boolean) IS NULL OR permitted = :permitted)
                            AND (CAST(:since AS timestamptz) IS NULL OR decided_at >= :since)
                            AND (CAST(:afterId AS uuid) IS NULL OR (decided_at, id) < (:afterAt, :afterId))
                        ORDER BY decided_at DESC, id DESC LIMIT :limit""")
                .bind("tenant", filter.tenant())
                .bind("model", filter.model())
                .bind("permitted", filter.permitted())
                .bind("since", since == null ? null : since.atOffset(ZoneOffset.UTC))
                .bind("afterId", after == null ? null : after.id())
                .bind("afterAt", after == null ? null : after.decidedAt().atOffset(ZoneOffset.UTC))
                .bind("limit", limit)
                .map((rs, ctx) -> decision(rs))
                .list();
    }

    static Optional<DecisionRecord> find(Handle operator, UUID id) {
        return operator.createQuery("SELECT * FROM licence_decision WHERE id = :id")
                .bind("id", id)
                .map((rs, ctx) -> decision(rs))
                .findOne();
    }

    private static DecisionRecord decision(ResultSet rs) throws SQLException {
        return new DecisionRecord(
                rs.getObject("id", UUID.class),
                rs.getString("tenant_id"),
                rs.getString("model"),
                rs.getString("licence"),
                rs.getString("use"),
                rs.getBoolean("permitted"),
                rs.getString("inputs"),
                rs.getString("verdict"),
                rs.getString("policy"),
                rs.getLong("epoch"),
                rs.getObject("decided_at", OffsetDateTime.class).toInstant());
    }
}
