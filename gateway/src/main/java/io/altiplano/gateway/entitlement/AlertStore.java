package io.altiplano.gateway.entitlement;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Settling, and {@code limit_alert}, in SQL. */
final class AlertStore {
    private AlertStore() {}

    /** Settles jobs, each once; the alerts that are new. */
    static List<LimitAlert> settle(Handle ledger, List<Settlement.Used> used, @Nullable Instant at) {
        return ledger.createQuery("SELECT * FROM settle_reservations(:jobs, :tokens, :costs::numeric[], :at)")
                .bindArray(
                        "jobs",
                        UUID.class,
                        used.stream().map(Settlement.Used::job).toList())
                .bindArray(
                        "tokens",
                        Long.class,
                        used.stream().map(Settlement.Used::tokens).toList())
                .bindArray(
                        "costs",
                        String.class,
                        used.stream().map(u -> u.cost().toPlainString()).toList())
                .bind("at", at == null ? null : at.atOffset(ZoneOffset.UTC))
                .map((row, context) -> alert(row))
                .list();
    }

    /** Notes that a limit is used up; the alert if it is new. */
    static Optional<LimitAlert> exhausted(Handle tenant, Standing standing, Standing.Use use) {
        return tenant.createQuery("""
                        INSERT INTO limit_alert (tenant_id, project_id, limit_name, period, threshold, used, limit_value, at)
                        VALUES (:tenant, :project, :name, :period, 100, :used, :limit, clock_timestamp())
                        ON CONFLICT DO NOTHING RETURNING *""")
                .bind("tenant", standing.tenantId())
                .bind("project", standing.projectId())
                .bind("name", use.quota().text())
                .bind("period", use.begins())
                .bind("used", use.used())
                .bind("limit", use.hard())
                .map((row, context) -> alert(row))
                .findOne();
    }

    /** A tenant's alerts, newest first. */
    static List<LimitAlert> ofTenant(Handle tenant, String tenantId) {
        return tenant.createQuery("""
                        SELECT * FROM limit_alert WHERE tenant_id = :tenant
                        ORDER BY at DESC, project_id, limit_name, threshold DESC LIMIT 1000""")
                .bind("tenant", tenantId)
                .map((row, context) -> alert(row))
                .list();
    }

    private static LimitAlert alert(ResultSet row) throws SQLException {
        return new LimitAlert(
                row.getString("tenant_id"),
                row.getString("project_id"),
                row.getString("limit_name"),
                row.getObject("period", LocalDate.class),
                row.getInt("threshold"),
                row.getBigDecimal("used"),
                row.getBigDecimal("limit_value"),
                row.getObject("at", OffsetDateTime.class).toInstant());
    }
}
