package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.AttestationRecord.Content;
import io.altiplano.gateway.licence.AttestationRecord.Line;
import io.altiplano.gateway.licence.AttestationRecord.State;
import io.altiplano.gateway.licence.GroupFigure.GroupLine;
import io.altiplano.licensing.Figure;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** {@code attestation} and its items in SQL. */
final class AttestationStore {
    /** Puts those who accept and submit in line, whatever tenants and groups they are about. */
    private static final long LOCK = 0x616c_7469_6174_7431L;

    /** With when it is to be repeated, where it counts. */
    private static final String SELECT = """
            SELECT a.*, r.due, r.refused_from FROM attestation a
            LEFT JOIN LATERAL reattestation_of(CASE WHEN a.state = 'ACCEPTED' THEN a.closed_at END) r ON true
            """;

    private AttestationStore() {}

    static void lockAll(Handle operator) {
        operator.execute("SELECT pg_advisory_xact_lock(?)", LOCK);
    }

    static void insertDraft(
            Handle operator, String id, String tenantId, Content content, String subject, @Nullable String corrects) {
        operator.createUpdate("""
                        INSERT INTO attestation
                            (id, tenant_id, licence, month, signed_by, document_id, recorded_by, editors, corrects, recorded_at)
                        VALUES (:id, :tenant, :licence, :month, :signedBy, :document, :by, ARRAY[:by], :corrects,
                            clock_timestamp())""")
                .bind("id", id)
                .bind("tenant", tenantId)
                .bind("licence", content.licence())
                .bind("month", content.month().toString())
                .bind("signedBy", content.signedBy())
                .bind("document", content.documentId())
                .bind("by", subject)
                .bind("corrects", corrects)
                .execute();
        insertLines(operator, id, tenantId, content.lines());
    }

    /** A draft's new content. */
    static void rewrite(Handle operator, String id, String tenantId, Content content, String subject) {
        operator.createUpdate("""
                        UPDATE attestation SET signed_by = :signedBy, document_id = :document,
                            editors = CASE WHEN :by = ANY (editors) THEN editors ELSE editors || :by END
                        WHERE id = :id""")
                .bind("signedBy", content.signedBy())
                .bind("document", content.documentId())
                .bind("by", subject)
                .bind("id", id)
                .execute();
        operator.execute("DELETE FROM attestation_item WHERE attestation_id = ?", id);
        insertLines(operator, id, tenantId, content.lines());
    }

    private static void insertLines(Handle operator, String id, String tenantId, List<Line> lines) {
        var batch = operator.prepareBatch("""
                INSERT INTO attestation_item
                    (attestation_id, position, tenant_id, kind, name, registration_number, monthly_active_users)
                VALUES (:id, :position, :tenant, :kind, :name, :registration, :users)""");
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            batch.bind("id", id)
                    .bind("position", i)
                    .bind("tenant", tenantId)
                    .bind("kind", line.kind().name())
                    .bind("name", line.name())
                    .bind("registration", line.registrationNumber())
                    .bind("users", line.monthlyActiveUsers())
                    .add();
        }
        batch.execute();
    }

    static void toDraft(Handle operator, String id) {
        operator.execute("UPDATE attestation SET state = 'DRAFT', doubts = '{}', submitted_at = NULL WHERE id = ?", id);
    }

    static void submit(Handle operator, String id, List<String> doubts) {
        operator.createUpdate("""
                        UPDATE attestation SET state = 'SUBMITTED', submitted_at = clock_timestamp(), doubts = :doubts
                        WHERE id = :id""")
                .bindArray("doubts", String.class, doubts.toArray())
                .bind("id", id)
                .execute();
    }

    /** Accepts one; what was accepted before is superseded. */
    static void accept(Handle operator, AttestationRecord a, @Nullable String approvalId) {
        operator.createUpdate("""
                        UPDATE attestation SET state = 'SUPERSEDED'
                        WHERE tenant_id = :tenant AND licence = :licence AND state = 'ACCEPTED'""")
                .bind("tenant", a.tenantId())
                .bind("licence", a.licence())
                .execute();
        operator.createUpdate("""
                        UPDATE attestation SET state = 'ACCEPTED', closed_at = clock_timestamp(), approval_id = :approval
                        WHERE id = :id""")
                .bind("approval", approvalId)
                .bind("id", a.id())
                .execute();
        operator.createUpdate("""
                        INSERT INTO acceptance (tenant_id, licence, accepted_by)
                        VALUES (:tenant, :licence, :by) ON CONFLICT DO NOTHING""")
                .bind("tenant", a.tenantId())
                .bind("licence", a.licence())
                .bind("by", a.signedBy())
                .execute();
    }

    static void reject(Handle operator, String id, String reason) {
        operator.execute(
                "UPDATE attestation SET state = 'REJECTED', closed_at = clock_timestamp(), closing_reason = ? WHERE id = ?",
                reason,
                id);
    }

    static Optional<AttestationRecord> lock(Handle operator, String tenantId, String id) {
        return operator.createQuery(SELECT + "WHERE id = :id AND tenant_id = :tenant FOR UPDATE OF a")
                .bind("id", id)
                .bind("tenant", tenantId)
                .map((rs, ctx) -> read(rs, lines(operator, rs.getString("id"))))
                .findOne();
    }

    /** All of a tenant's, newest first. */
    static List<AttestationRecord> list(Handle handle, String tenantId) {
        return handle.createQuery(SELECT + "WHERE tenant_id = :tenant ORDER BY seq DESC")
                .bind("tenant", tenantId)
                .map((rs, ctx) -> read(rs, lines(handle, rs.getString("id"))))
                .list();
    }

    /** The one that counts. */
    static Optional<AttestationRecord> accepted(Handle handle, String tenantId, String licence) {
        return list(handle, tenantId).stream()
                .filter(a -> a.state() == State.ACCEPTED && a.licence().equals(licence))
                .findFirst();
    }

    private static List<Line> lines(Handle handle, String id) {
        return handle.createQuery("SELECT * FROM attestation_item WHERE attestation_id = :id ORDER BY position")
                .bind("id", id)
                .map((rs, ctx) -> line(rs))
                .list();
    }

    /** The accepted lines of a tenant's group for one licence, or for all with null. */
    static List<GroupLine> groupLines(Handle handle, String tenantId, @Nullable String licence) {
        return handle.createQuery("SELECT * FROM group_lines(:tenant, :licence)")
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .map((rs, ctx) -> groupLine(rs))
                .list();
    }

    /** The lines of tenants that state to belong to a tenant's group and are not confirmed, in a licence's accepted attestations. */
    static List<GroupLine> unconfirmedLines(Handle operator, String tenantId, String licence) {
        return operator.createQuery("""
                        SELECT a.licence, a.month, a.closed_at AS at, t.id AS member,
                            t.registration_number AS member_registration, i.kind, i.name, i.registration_number,
                            i.monthly_active_users
                        FROM stated_group_of(:tenant) b
                        JOIN tenant t ON t.id = b.member_tenant
                        JOIN attestation a ON a.tenant_id = t.id AND a.state = 'ACCEPTED' AND a.licence = :licence
                        JOIN attestation_item i ON i.attestation_id = a.id
                        WHERE t.id NOT IN (SELECT member_tenant FROM group_of(:tenant))
                        ORDER BY a.seq, i.position""")
                .bind("tenant", tenantId)
                .bind("licence", licence)
                .map((rs, ctx) -> groupLine(rs))
                .list();
    }

    private static GroupLine groupLine(ResultSet rs) throws SQLException {
        return new GroupLine(
                rs.getString("licence"),
                YearMonth.parse(rs.getString("month")),
                rs.getTimestamp("at").toInstant(),
                rs.getString("member"),
                rs.getString("member_registration"),
                line(rs));
    }

    private static Line line(ResultSet rs) throws SQLException {
        return new Line(
                Figure.Kind.valueOf(rs.getString("kind")),
                rs.getString("name"),
                rs.getString("registration_number"),
                rs.getLong("monthly_active_users"));
    }

    private static AttestationRecord read(ResultSet rs, List<Line> lines) throws SQLException {
        return new AttestationRecord(
                rs.getString("id"),
                rs.getString("tenant_id"),
                rs.getString("licence"),
                YearMonth.parse(rs.getString("month")),
                lines,
                rs.getString("signed_by"),
                rs.getString("document_id"),
                State.valueOf(rs.getString("state")),
                Arrays.asList((String[]) rs.getArray("editors").getArray()),
                rs.getString("corrects"),
                Arrays.asList((String[]) rs.getArray("doubts").getArray()),
                rs.getTimestamp("recorded_at").toInstant(),
                instant(rs, "submitted_at"),
                instant(rs, "closed_at"),
                rs.getString("approval_id"),
                rs.getString("closing_reason"),
                rs.getTimestamp("due") == null ? null : reattestation(rs));
    }

    /** Of columns licence, due and refused_from. */
    static Reattestation reattestation(ResultSet rs) throws SQLException {
        return new Reattestation(
                rs.getString("licence"), rs.getTimestamp("due").toInstant(), instant(rs, "refused_from"));
    }

    private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
        Timestamp at = rs.getTimestamp(column);
        return at == null ? null : at.toInstant();
    }
}
