package io.altiplano.gateway.usage;

import io.altiplano.gateway.usage.UsageQuery.Bucket;
import io.altiplano.gateway.usage.UsageQuery.Group;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Sums of the rollups in SQL. */
final class UsageStore {
    /** Most rows of an answer. */
    static final int MOST = 10_000;

    private UsageStore() {}

    /** Sums of one tenant or of all, at most {@link #MOST}, by tenant, then time, then what they are told apart by. */
    static List<UsageRow> sums(Handle handle, @Nullable String tenantId, UsageQuery query) {
        List<String> keys = new ArrayList<>(List.of("tenant_id"));
        Bucket bucket = query.bucket();
        if (bucket != null) {
            keys.add("start_at");
        }
        for (Group group : Group.values()) {
            if (query.groups().contains(group)) {
                keys.add(group.column());
            }
        }
        String columns = String.join(", ", keys);
        List<String> conditions = new ArrayList<>(List.of("true"));
        if (tenantId != null) {
            conditions.add("tenant_id = :tenant");
        }
        if (query.from() != null) {
            conditions.add("start_at >= :from");
        }
        if (query.to() != null) {
            conditions.add("start_at < :to");
        }
        return handle.createQuery("""
                        SELECT %s, sum(requests)::bigint AS requests, sum(failed)::bigint AS failed,
                            sum(prompt_tokens)::bigint AS prompt_tokens, sum(cached_tokens)::bigint AS cached_tokens,
                            sum(completion_tokens)::bigint AS completion_tokens, sum(cost) AS cost
                        FROM %s WHERE %s GROUP BY %s ORDER BY %s LIMIT %d""".formatted(
                                columns, query.rollup(), String.join(" AND ", conditions), columns, columns, MOST))
                .bind("tenant", tenantId)
                .bind("from", at(query.from()))
                .bind("to", at(query.to()))
                .configure(org.jdbi.v3.core.statement.SqlStatements.class, c -> c.setUnusedBindingAllowed(true))
                .map((rs, ctx) -> row(rs, query))
                .list();
    }

    private static @Nullable OffsetDateTime at(@Nullable Instant instant) {
        return instant == null ? null : instant.atOffset(ZoneOffset.UTC);
    }

    private static UsageRow row(ResultSet rs, UsageQuery query) throws SQLException {
        Timestamp start = query.bucket() == null ? null : rs.getTimestamp("start_at");
        return new UsageRow(
                rs.getString("tenant_id"),
                text(rs, query, Group.PROJECT),
                text(rs, query, Group.API_KEY),
                text(rs, query, Group.MODEL),
                start == null ? null : start.toInstant(),
                rs.getLong("requests"),
                rs.getLong("failed"),
                rs.getLong("prompt_tokens"),
                rs.getLong("cached_tokens"),
                rs.getLong("completion_tokens"),
                rs.getBigDecimal("cost"));
    }

    private static @Nullable String text(ResultSet rs, UsageQuery query, Group group) throws SQLException {
        return query.groups().contains(group) ? rs.getString(group.column()) : null;
    }
}
