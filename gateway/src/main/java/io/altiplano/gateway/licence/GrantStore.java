package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.GrantRecord.Content;
import io.altiplano.gateway.licence.GrantRecord.State;
import io.altiplano.licensing.Use;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;
import org.jspecify.annotations.Nullable;

/** {@code licence_grant} in SQL. */
final class GrantStore {
    private GrantStore() {}

    static void insert(Handle operator, String id, String tenantId, Content content, String subject) {
        bind(operator.createUpdate("""
                        INSERT INTO licence_grant (id, tenant_id, licences, uses, territory, document, document_id,
                            document_sha256, granted_on, last_day, recorded_by, editors)
                        VALUES (:id, :tenant, :licences, :uses, :territory, :document, :documentId,
                            :sha256, :grantedOn, :lastDay, :by, ARRAY[:by])"""), content)
                .bind("id", id)
                .bind("tenant", tenantId)
                .bind("by", subject)
                .execute();
    }

    static void rewrite(Handle operator, String id, Content content, String subject) {
        bind(operator.createUpdate("""
                        UPDATE licence_grant SET licences = :licences, uses = :uses, territory = :territory,
                            document = :document, document_id = :documentId, document_sha256 = :sha256,
                            granted_on = :grantedOn, last_day = :lastDay,
                            editors = CASE WHEN :by = ANY (editors) THEN editors ELSE editors || :by END
                        WHERE id = :id"""), content)
                .bind("id", id)
                .bind("by", subject)
                .execute();
    }

    private static Update bind(Update update, Content c) {
        return update.bindArray("licences", String.class, c.licences().toArray())
                .bindArray(
                        "uses", String.class, c.uses().stream().map(Use::name).toArray())
                .bindArray("territory", String.class, c.territory().toArray())
                .bind("document", c.document())
                .bind("documentId", c.documentId())
                .bind("sha256", c.documentSha256())
                .bind("grantedOn", c.date())
                .bind("lastDay", c.lastDay());
    }

    static void approve(Handle operator, String id, String approvalId) {
        operator.execute("UPDATE licence_grant SET state = 'APPROVED', approval_id = ? WHERE id = ?", approvalId, id);
    }

    /** Ends one: {@code REJECTED} or {@code REVOKED}, the latter now. */
    static void close(Handle operator, String id, State state, String reason) {
        operator.createUpdate("""
                        UPDATE licence_grant SET state = :state, closing_reason = :reason,
                            revoked_at = CASE WHEN :state = 'REVOKED' THEN clock_timestamp() END
                        WHERE id = :id""")
                .bind("state", state.name())
                .bind("reason", reason)
                .bind("id", id)
                .execute();
    }

    /** Marks those whose last day is over, and gives them. */
    static List<GrantRecord> expire(Handle operator) {
        List<String> ids = operator.createQuery("""
                        UPDATE licence_grant SET state = 'EXPIRED'
                        WHERE state = 'APPROVED' AND last_day < (clock_timestamp() AT TIME ZONE 'UTC')::date RETURNING id""").mapTo(String.class).list();
        return ids.stream()
                .map(id -> operator.createQuery("SELECT * FROM licence_grant WHERE id = :id")
                        .bind("id", id)
                        .map((rs, ctx) -> read(rs))
                        .one())
                .toList();
    }

    static Optional<GrantRecord> lock(Handle operator, String tenantId, String id) {
        return operator.createQuery("SELECT * FROM licence_grant WHERE id = :id AND tenant_id = :tenant FOR UPDATE")
                .bind("id", id)
                .bind("tenant", tenantId)
                .map((rs, ctx) -> read(rs))
                .findOne();
    }

    static List<GrantRecord> list(Handle operator, String tenantId) {
        return operator.createQuery("SELECT * FROM licence_grant WHERE tenant_id = :tenant ORDER BY recorded_at, id")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> read(rs))
                .list();
    }

    private static GrantRecord read(ResultSet rs) throws SQLException {
        Timestamp revoked = rs.getTimestamp("revoked_at");
        String documentId = rs.getString("document_id");
        return new GrantRecord(
                rs.getString("id"),
                rs.getString("tenant_id"),
                new Content(
                        texts(rs, "licences"),
                        texts(rs, "uses").stream().map(Use::valueOf).collect(Collectors.toCollection(TreeSet::new)),
                        texts(rs, "territory"),
                        rs.getString("document"),
                        // Those from before there were uploads have none.
                        documentId == null ? "" : documentId,
                        rs.getString("document_sha256"),
                        rs.getObject("granted_on", LocalDate.class),
                        day(rs, "last_day")),
                State.valueOf(rs.getString("state")),
                Arrays.asList((String[]) rs.getArray("editors").getArray()),
                rs.getTimestamp("recorded_at").toInstant(),
                revoked == null ? null : revoked.toInstant(),
                rs.getString("approval_id"),
                rs.getString("closing_reason"));
    }

    private static @Nullable LocalDate day(ResultSet rs, String column) throws SQLException {
        return rs.getObject(column, LocalDate.class);
    }

    private static SortedSet<String> texts(ResultSet rs, String column) throws SQLException {
        return new TreeSet<>(Arrays.asList((String[]) rs.getArray(column).getArray()));
    }
}
