package io.altiplano.gateway.policy;

import io.altiplano.gateway.web.CurrentPerson.Person;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/** Reviews and their history in SQL. */
final class ReviewStore {
    private static final String SELECT = """
            SELECT id, tenant_id, kind, subject, licence, facts::text AS facts, opened_at, state, closed_at, closed_by_name, reason
            FROM policy_review
            """;

    private ReviewStore() {}

    /** False if there is one about this already, open or closed. */
    static boolean insert(
            Handle operator,
            String id,
            String tenantId,
            Review.Kind kind,
            String subject,
            @Nullable String licence,
            String factsJson) {
        return operator.createUpdate("""
                        INSERT INTO policy_review (id, tenant_id, kind, subject, licence, facts)
                        VALUES (:id, :tenant, :kind, :subject, :licence, :facts::jsonb)
                        ON CONFLICT ON CONSTRAINT policy_review_once DO NOTHING""")
                        .bind("id", id)
                        .bind("tenant", tenantId)
                        .bind("kind", kind.name())
                        .bind("subject", subject)
                        .bind("licence", licence)
                        .bind("facts", factsJson)
                        .execute()
                == 1;
    }

    static boolean exists(Handle operator, String tenantId, Review.Kind kind, String subject) {
        return operator.createQuery("""
                        SELECT EXISTS (SELECT FROM policy_review
                            WHERE tenant_id = :tenant AND kind = :kind AND subject = :subject)""")
                .bind("tenant", tenantId)
                .bind("kind", kind.name())
                .bind("subject", subject)
                .mapTo(Boolean.class)
                .one();
    }

    static void close(Handle operator, String id, Person by, String reason) {
        operator.execute(
                "UPDATE policy_review SET state = 'CLOSED', closed_at = clock_timestamp(), closed_by = ?, closed_by_name = ?,"
                        + " reason = ? WHERE id = ?",
                by.subject(),
                by.name(),
                reason,
                id);
    }

    static void event(Handle operator, Review review, Person by, String action, @Nullable String text) {
        operator.execute(
                "INSERT INTO policy_review_event (review_id, tenant_id, actor, actor_name, action, text)"
                        + " VALUES (?, ?, ?, ?, ?, ?)",
                review.id(),
                review.tenantId(),
                by.subject(),
                by.name(),
                action,
                text);
    }

    static List<Event> events(Handle operator, String id) {
        return operator.createQuery("SELECT * FROM policy_review_event WHERE review_id = :id ORDER BY seq LIMIT 1000")
                .bind("id", id)
                .map(ConstructorMapper.of(Event.class))
                .list();
    }

    static Optional<Review> find(Handle operator, String id) {
        return operator.createQuery(SELECT + "WHERE id = :id")
                .bind("id", id)
                .map(ConstructorMapper.of(Review.class))
                .findOne();
    }

    static Optional<Review> lock(Handle operator, String id) {
        return operator.createQuery(SELECT + "WHERE id = :id FOR UPDATE")
                .bind("id", id)
                .map(ConstructorMapper.of(Review.class))
                .findOne();
    }

    /** What is wanted of a list; null for any. */
    record Filter(
            Review.@Nullable State state,
            Review.@Nullable Kind kind,
            @Nullable String tenantId) {}

    /** Newest first, after the review of an id. */
    static List<Review> list(Handle operator, Filter filter, @Nullable String after, int limit) {
        return operator.createQuery(SELECT + """
                        WHERE (CAST(:state AS text) IS NULL OR state = :state)
                            AND (CAST(:kind AS text) IS NULL OR kind = :kind)
                            AND (CAST(:tenant AS text) IS NULL OR tenant_id = :tenant)
                            AND (CAST(:after AS text) IS NULL OR (opened_at, id) <
                                (SELECT a.opened_at, a.id FROM policy_review a WHERE a.id = :after))
                        ORDER BY opened_at DESC, id DESC LIMIT :limit""")
                .bind("state", filter.state() == null ? null : filter.state().name())
                .bind("kind", filter.kind() == null ? null : filter.kind().name())
                .bind("tenant", filter.tenantId())
                .bind("after", after)
                .bind("limit", limit)
                .map(ConstructorMapper.of(Review.class))
                .list();
    }

    /** Open ones about attestations that do not count any more. */
    static List<String> settled(Handle operator) {
        return operator.createQuery("""
                        SELECT v.id FROM policy_review v JOIN attestation a ON a.id = v.subject
                        WHERE v.kind = 'REATTESTATION' AND v.state = 'OPEN' AND a.state <> 'ACCEPTED' ORDER BY v.id""").mapTo(String.class).list();
    }
}
