package io.altiplano.gateway.approval;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** {@code approval} in SQL. */
final class ApprovalStore {
    private ApprovalStore() {}

    static void insert(Handle operator, Approval a) {
        operator.createUpdate("""
                        INSERT INTO approval (id, tenant_id, kind, subject_id, summary, content_hash, editors, proposed_by,
                            proposed_by_name)
                        VALUES (:id, :tenantId, :kind, :subjectId, :summary, :contentHash, :editors, :proposedBy,
                            :proposedByName)""")
                .bind("id", a.id())
                .bind("tenantId", a.tenantId())
                .bind("kind", a.kind())
                .bind("subjectId", a.subjectId())
                .bind("summary", a.summary())
                .bind("contentHash", a.contentHash())
                .bindArray("editors", String.class, a.editors().toArray())
                .bind("proposedBy", a.proposedBy())
                .bind("proposedByName", a.proposedByName())
                .execute();
    }

    /** The proposal, locked until the transaction ends. */
    static Optional<Approval> lock(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM approval WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .map(ApprovalStore::approval)
                .findOne();
    }

    static Optional<Approval> find(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM approval WHERE id = :id")
                .bind("id", id)
                .map(ApprovalStore::approval)
                .findOne();
    }

    /** The open proposal of a kind about a record, locked. */
    static Optional<Approval> lockOpen(Handle operator, String kind, String subjectId) {
        return operator.createQuery("""
                        SELECT * FROM approval WHERE kind = :kind AND subject_id = :subject AND state = 'OPEN' FOR UPDATE""")
                .bind("kind", kind)
                .bind("subject", subjectId)
                .map(ApprovalStore::approval)
                .findOne();
    }

    /** Those in a state (all where it is null), of a tenant (all where it is null), oldest first. */
    static List<Approval> list(Handle operator, Approval.@Nullable State state, @Nullable String tenantId, int limit) {
        return operator.createQuery("""
                        SELECT * FROM approval
                        WHERE (CAST(:state AS text) IS NULL OR state = :state)
                            AND (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant)
                        ORDER BY proposed_at, id LIMIT :limit""")
                .bind("state", state == null ? null : state.name())
                .bind("tenant", tenantId)
                .bind("limit", limit)
                .map(ApprovalStore::approval)
                .list();
    }

    static void close(
            Handle operator, String id, Approval.State state, String by, String byName, @Nullable String reason) {
        operator.createUpdate("""
                        UPDATE approval SET state = :state, closed_by = :by, closed_by_name = :byName,
                            closed_at = clock_timestamp(), reason = :reason
                        WHERE id = :id""")
                .bind("id", id)
                .bind("state", state.name())
                .bind("by", by)
                .bind("byName", byName)
                .bind("reason", reason)
                .execute();
    }

    /** Whether a person is a member of a tenant. */
    static boolean isMember(Handle operator, String tenantId, String subject) {
        return operator.createQuery(
                        "SELECT EXISTS (SELECT FROM member WHERE tenant_id = :tenant AND subject = :subject)")
                .bind("tenant", tenantId)
                .bind("subject", subject)
                .mapTo(Boolean.class)
                .one();
    }

    private static Approval approval(ResultSet rs, StatementContext context) throws SQLException {
        Array editors = rs.getArray("editors");
        OffsetDateTime closedAt = rs.getObject("closed_at", OffsetDateTime.class);
        return new Approval(
                rs.getString("id"),
                rs.getString("tenant_id"),
                rs.getString("kind"),
                rs.getString("subject_id"),
                rs.getString("summary"),
                rs.getString("content_hash"),
                Arrays.asList((String[]) editors.getArray()),
                rs.getString("proposed_by"),
                rs.getString("proposed_by_name"),
                rs.getObject("proposed_at", OffsetDateTime.class).toInstant(),
                Approval.State.valueOf(rs.getString("state")),
                rs.getString("closed_by"),
                rs.getString("closed_by_name"),
                closedAt == null ? null : closedAt.toInstant(),
                rs.getString("reason"));
    }
}
