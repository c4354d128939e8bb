package io.altiplano.gateway.policy;

import io.altiplano.gateway.policy.AbuseReport.Outcome;
import io.altiplano.gateway.policy.AbuseReport.Said;
import io.altiplano.gateway.web.CurrentPerson.Person;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** Reports of misuse and their history in SQL. */
final class AbuseReportStore {
    /** A name counts as a tenant's only where no other tenant has it. */
    private static final String SELECT = """
            SELECT r.*, known.tenant AS matched_tenant, known.found AS subject_known
            FROM abuse_report r CROSS JOIN LATERAL (
                SELECT CASE WHEN count(t.id) = 1 THEN min(t.id) END AS tenant, count(t.id) > 0 AS found
                FROM tenant t WHERE r.subject_kind = 'TENANT'
                    AND (t.id = r.subject_id OR lower(t.name) = lower(r.subject_id)
                        AND NOT EXISTS (SELECT FROM tenant i WHERE i.id = r.subject_id))
                HAVING r.subject_kind = 'TENANT'
                UNION ALL
                SELECT min(m.owner_tenant), count(*) > 0 FROM model m
                WHERE r.subject_kind = 'MODEL' AND m.id = r.subject_id HAVING r.subject_kind = 'MODEL') known
            """;

    private AbuseReportStore() {}

    static void insert(Handle operator, String id, Said said, @Nullable String reporterTenant) {
        operator.createUpdate("""
                        INSERT INTO abuse_report
                            (id, subject_kind, subject_id, category, description, contact, reporter_tenant)
                        VALUES (:id, :kind, :subject, :category, :description, :contact, :reporter)""")
                .bind("id", id)
                .bind("kind", said.subjectKind().name())
                .bind("subject", said.subjectId())
                .bind("category", said.category().name())
                .bind("description", said.description())
                .bind("contact", said.contact())
                .bind("reporter", reporterTenant)
                .execute();
    }

    static void event(Handle operator, String id, Person by, String action, @Nullable String text) {
        operator.execute(
                "INSERT INTO abuse_report_event (report_id, actor, actor_name, action, text) VALUES (?, ?, ?, ?, ?)",
                id,
                by.subject(),
                by.name(),
                action,
                text);
    }

    static List<Event> events(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM abuse_report_event WHERE report_id = :id ORDER BY seq LIMIT 1000")
                .bind("id", id)
                .map(ConstructorMapper.of(Event.class))
                .list();
    }

    static void assign(Handle operator, String id, String assignee) {
        operator.execute("UPDATE abuse_report SET assignee = ? WHERE id = ?", assignee, id);
    }

    static void resolve(
            Handle operator, String id, Outcome outcome, @Nullable String tenantId, Person by, String reason) {
        operator.createUpdate("""
                        UPDATE abuse_report SET state = 'RESOLVED', outcome = :outcome, tenant_id = :tenant,
                            resolved_at = clock_timestamp(), resolved_by = :by, resolved_by_name = :name, reason = :reason
                        WHERE id = :id""")
                .bind("outcome", outcome.name())
                .bind("tenant", tenantId)
                .bind("by", by.subject())
                .bind("name", by.name())
                .bind("reason", reason)
                .bind("id", id)
                .execute();
    }

    static Optional<AbuseReport> find(Handle operator, String id) {
        return operator.createQuery(SELECT + "WHERE r.id = :id")
                .bind("id", id)
                .map(ConstructorMapper.of(AbuseReport.class))
                .findOne();
    }

    /** The report, its row locked until the transaction ends. */
    static Optional<AbuseReport> lock(Handle operator, String id) {
        operator.execute("SELECT FROM abuse_report WHERE id = ? FOR UPDATE", id);
        return find(operator, id);
    }

    /** What is wanted of a list; null for any. */
    record Filter(
            AbuseReport.@Nullable State state,
            AbuseReport.@Nullable SubjectKind subjectKind,
            @Nullable String subjectId,
            @Nullable AbuseCategory category,
            @Nullable String assignee) {}

    /** Newest first, after the report of an id. */
    static List<AbuseReport> list(Handle operator, Filter filter, @Nullable String after, int limit) {
        return operator.createQuery(SELECT + """
                        WHERE (CAST(:state AS text) IS NULL OR r.state = :state)
                            AND (CAST(:kind AS text) IS NULL OR r.subject_kind = :kind)
                            AND (CAST(:subject AS text) IS NULL OR r.subject_id = :subject)
                            AND (CAST(:category AS text) IS NULL OR r.category = :category)
                            AND (CAST(:assignee AS text) IS NULL OR r.assignee = :assignee)
                            AND (CAST(:after AS text) IS NULL OR (r.received_at, r.id) <
                                (SELECT a.received_at, a.id FROM abuse_report a WHERE a.id = :after))
                        ORDER BY r.received_at DESC, r.id DESC LIMIT :limit""")
                .bind("state", name(filter.state()))
                .bind("kind", name(filter.subjectKind()))
                .bind("subject", filter.subjectId())
                .bind("category", name(filter.category()))
                .bind("assignee", filter.assignee())
                .bind("after", after)
                .bind("limit", limit)
                .map(ConstructorMapper.of(AbuseReport.class))
                .list();
    }

    private static @Nullable String name(@Nullable Enum<?> value) {
        return value == null ? null : value.name();
    }
}
