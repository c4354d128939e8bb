package io.altiplano.gateway.entitlement;

import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** {@code limit_override} in SQL. */
final class OverrideStore {
    private OverrideStore() {}

    /** All of a tenant's, the tenant's own before its projects'. */
    static List<LimitOverride> ofTenant(Handle tenant, String tenantId) {
        return tenant.createQuery("SELECT * FROM limit_override WHERE tenant_id = :tenant ORDER BY project_id, set_by")
                .bind("tenant", tenantId)
                .map((row, context) -> override(row))
                .list();
    }

    /** Puts one in the place of what was there; an empty one takes it away. */
    static void put(Handle operator, LimitOverride o) {
        operator.execute(
                "DELETE FROM limit_override WHERE tenant_id = ? AND project_id = ? AND set_by = ?",
                o.tenantId(),
                o.projectId(),
                o.setBy().name());
        if (o.isEmpty()) {
            return;
        }
        operator.createUpdate("""
                        INSERT INTO limit_override (tenant_id, project_id, set_by, requests_per_minute, tokens_per_minute,
                            concurrent, tokens_per_day, tokens_per_month, budget_per_month, soft)
                        VALUES (:tenantId, :projectId, :by, :requestsPerMinute, :tokensPerMinute, :concurrent,
                            :tokensPerDay, :tokensPerMonth, :budgetPerMonth, :softNames)""")
                .bindMethods(o)
                .bind("by", o.setBy().name())
                .bindArray(
                        "softNames",
                        String.class,
                        o.soft().stream().sorted().map(Quota::text).toList())
                .execute();
    }

    private static LimitOverride override(ResultSet row) throws SQLException {
        BigDecimal budget = row.getBigDecimal("budget_per_month");
        return new LimitOverride(
                row.getString("tenant_id"),
                row.getString("project_id"),
                LimitOverride.SetBy.valueOf(row.getString("set_by")),
                number(row, "requests_per_minute"),
                number(row, "tokens_per_minute"),
                number(row, "concurrent"),
                number(row, "tokens_per_day"),
                number(row, "tokens_per_month"),
                budget,
                Arrays.stream((String[]) row.getArray("soft").getArray())
                        .map(name -> Quota.valueOf(name.toUpperCase(Locale.ROOT)))
                        .collect(Collectors.toSet()));
    }

    private static @Nullable Long number(ResultSet row, String column) throws SQLException {
        long value = row.getLong(column);
        return row.wasNull() ? null : value;
    }
}
