package io.altiplano.gateway.licence;

import io.altiplano.licensing.Use;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.SqlStatement;
import org.jspecify.annotations.Nullable;

/** Rights that stand and rights that ended, in SQL. */
final class WithdrawalStore {
    private static final String SAME = "tenant_id = :tenant AND model = :model AND licence = :licence AND use = :use";
    /** The right {@code s} has not ended since it was noted. */
    private static final String STANDS = """
            NOT EXISTS (SELECT FROM right_withdrawal w
                WHERE w.tenant_id = s.tenant_id AND w.model = s.model AND w.licence = s.licence AND w.use = s.use
                    AND w.epoch > s.epoch)""";

    /** Tenants that the last administrative acts are about, with their groups: every change leaves an audit row. Verdicts do too. */
    private static final String CONCERNED = """
            WITH concerned AS (
                SELECT g.member_tenant AS tenant_id, max(c.seq) AS seq
                FROM (SELECT a.tenant_id, max(a.seq) AS seq
                        FROM (SELECT l.tenant_id, l.seq FROM audit_log l
                            WHERE l.seq > (SELECT h.seq FROM audit_head h) - 1000 AND l.action <> 'licence.verdict'
                            ORDER BY l.seq DESC LIMIT 20) a
                        WHERE a.tenant_id IS NOT NULL GROUP BY 1) c,
                    LATERAL group_of(c.tenant_id) g
                GROUP BY 1)
            """;

    private WithdrawalStore() {}

    private static <S extends SqlStatement<S>> S bind(S statement, Question q) {
        return statement
                .bind("tenant", q.tenantId())
                .bind("model", q.modelId())
                .bind("licence", q.licenceId())
                .bind("use", q.use().name());
    }

    /** Whether a permit was noted after the right last ended. */
    static boolean stands(Handle tenant, Question question) {
        return bind(
                        tenant.createQuery(
                                "SELECT EXISTS (SELECT FROM licence_standing s WHERE " + SAME + " AND " + STANDS + ")"),
                        question)
                .mapTo(Boolean.class)
                .one();
    }

    /** As {@link #stands}, and the note is not older than an hour and says the same end. */
    static boolean noted(Handle tenant, Question question, Instant holdsUntil) {
        return bind(
                        tenant.createQuery(
                                "SELECT EXISTS (SELECT FROM licence_standing s WHERE " + SAME + " AND " + STANDS
                                        + " AND asked_at > clock_timestamp() - interval '1 hour'"
                                        + " AND holds_until IS NOT DISTINCT FROM CAST(:until AS timestamptz))"),
                        question)
                .bind("until", until(holdsUntil))
                .mapTo(Boolean.class)
                .one();
    }

    /** Notes that the use is permitted from an epoch on. */
    static void note(Handle tenant, Question question, long epoch, Instant holdsUntil) {
        bind(tenant.createUpdate("""
                        INSERT INTO licence_standing AS s (tenant_id, model, licence, use, epoch, holds_until)
                        VALUES (:tenant, :model, :licence, :use, :epoch, :until)
                        ON CONFLICT (tenant_id, model, licence, use) DO UPDATE
                        SET epoch = greatest(s.epoch, excluded.epoch), holds_until = excluded.holds_until,
                            asked_at = excluded.asked_at"""), question)
                .bind("epoch", epoch)
                .bind("until", until(holdsUntil))
                .execute();
    }

    /** Notes another end of a right, and not that anybody asked for it. */
    static void extend(Handle tenant, Question question, Instant holdsUntil) {
        bind(
                        tenant.createUpdate("UPDATE licence_standing SET holds_until = :until WHERE " + SAME
                                + " AND holds_until IS DISTINCT FROM CAST(:until AS timestamptz)"),
                        question)
                .bind("until", until(holdsUntil))
                .execute();
    }

    private static @Nullable OffsetDateTime until(Instant holdsUntil) {
        // Beyond a day in the calendar's far future nothing is foreseen; PostgreSQL ends before Instant.MAX does.
        return holdsUntil.isAfter(Instant.parse("9999-01-01T00:00:00Z")) ? null : holdsUntil.atOffset(ZoneOffset.UTC);
    }

    /**
     * Locks the epoch until the transaction ends: no fact changes meanwhile. A gateway that stands still then must not hold up
     * others' facts, so the server ends such a transaction soon.
     */
    static long lockEpoch(Handle tenant) {
        tenant.execute("SELECT set_config('idle_in_transaction_session_timeout', '500', true)");
        return tenant.createQuery("SELECT lock_licence_epoch()")
                .mapTo(Long.class)
                .one();
    }

    /** Begins a new epoch. */
    static long nextEpoch(Handle tenant) {
        return tenant.createQuery("SELECT next_licence_epoch()")
                .mapTo(Long.class)
                .one();
    }

    static void insert(Handle tenant, Question question, long epoch, UUID decisionId, String code, String message) {
        bind(tenant.createUpdate("""
                        INSERT INTO right_withdrawal (tenant_id, model, licence, use, epoch, decision_id, code, message)
                        VALUES (:tenant, :model, :licence, :use, :epoch, :decision, :code, :message)"""), question)
                .bind("epoch", epoch)
                .bind("decision", decisionId)
                .bind("code", code)
                .bind("message", message)
                .execute();
    }

    /** Which of the rights that stand. */
    enum Which {
        /** Those that may have live work behind them. */
        ALL("s.asked_at > clock_timestamp() - interval '49 hours'"),
        /** Those that time may have ended. */
        EXPIRED("s.holds_until <= clock_timestamp()"),
        /**
         * Those noted a moment ago under an epoch that is over: their gateway's transaction may have committed after the others
         * had looked.
         */
        LATE("s.asked_at > clock_timestamp() - interval '30 seconds' AND s.epoch < (SELECT epoch FROM licence_epoch)");

        private final String condition;

        Which(String condition) {
            this.condition = condition;
        }
    }

    /** Rights to ask about again; of all, those whom the last administrative acts are about first. */
    static List<Standing> standing(Handle operator, Which which) {
        String where = " WHERE " + which.condition + " AND " + STANDS;
        String query = which == Which.ALL
                ? CONCERNED + "SELECT s.* FROM licence_standing s LEFT JOIN concerned c ON c.tenant_id = s.tenant_id"
                        + where + " ORDER BY c.seq DESC NULLS LAST, s.asked_at DESC"
                : "SELECT s.* FROM licence_standing s" + where + " ORDER BY s.asked_at DESC";
        return operator.createQuery(query)
                .map((rs, ctx) -> new Standing(question(rs), rs.getLong("epoch")))
                .list();
    }

    /**
     * A right that stands.
     *
     * @param epoch at which it was last noted
     */
    record Standing(Question question, long epoch) {}

    /** Rights that ended in the last half minute, and earlier ones that were not published. */
    static List<Withdrawal> recent(Handle operator) {
        return operator.createQuery("""
                        SELECT * FROM right_withdrawal
                        WHERE published_at IS NULL OR decided_at > clock_timestamp() - interval '30 seconds'
                        ORDER BY seq""")
                .map((rs, ctx) -> new Withdrawal(
                        rs.getLong("seq"),
                        question(rs),
                        rs.getLong("epoch"),
                        rs.getString("message"),
                        rs.getTimestamp("published_at") != null))
                .list();
    }

    static int published(Handle operator, long seq) {
        return operator.createUpdate("""
                        UPDATE right_withdrawal SET published_at = clock_timestamp()
                        WHERE seq = :seq AND published_at IS NULL""").bind("seq", seq).execute();
    }

    private static Question question(ResultSet rs) throws SQLException {
        return new Question(
                rs.getString("tenant_id"),
                rs.getString("model"),
                rs.getString("licence"),
                Use.valueOf(rs.getString("use")));
    }
}
