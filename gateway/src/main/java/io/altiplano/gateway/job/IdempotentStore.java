package io.altiplano.gateway.job;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** {@code idempotent_request} in SQL, by PostgreSQL's clock. */
final class IdempotentStore {
    private IdempotentStore() {}

    /**
     * A request as it is kept.
     *
     * @param submission sealed; null once there is an answer
     * @param answer sealed; null while the job runs
     */
    record Kept(
            RequestKey.Name name,
            String requestHash,
            UUID jobId,
            byte @Nullable [] submission,
            byte @Nullable [] answer,
            Instant createdAt) {}

    /** Keeps a new request, in place of one that is past its time; false if the name is taken. */
    static boolean insert(
            Handle tenant, RequestKey key, UUID job, byte[] submission, UUID holder, Duration term, Duration kept) {
        return tenant.createUpdate("""
                        INSERT INTO idempotent_request AS r (tenant_id, project_id, key, request_hash, job_id, submission, holder,
                            held_until, expires_at)
                        VALUES (:tenant, :project, :key, :hash, :job, :submission, :holder,
                            now() + :term * interval '1 millisecond', now() + :kept * interval '1 millisecond')
                        ON CONFLICT (tenant_id, project_id, key) DO UPDATE SET request_hash = excluded.request_hash,
                            job_id = excluded.job_id, submission = excluded.submission, published_at = NULL,
                            holder = excluded.holder, held_until = excluded.held_until, answer = NULL, created_at = now(),
                            expires_at = excluded.expires_at
                        WHERE r.expires_at <= now()""")
                        .bind("tenant", key.tenantId())
                        .bind("project", key.projectId())
                        .bind("key", key.key())
                        .bind("hash", HexFormat.of().parseHex(key.requestHash()))
                        .bind("job", job)
                        .bind("submission", submission)
                        .bind("holder", holder)
                        .bind("term", term.toMillis())
                        .bind("kept", kept.toMillis())
                        .execute()
                == 1;
    }

    /** The request of a name, if it is not past its time. */
    static Optional<Kept> find(Handle tenant, RequestKey.Name name) {
        return tenant.createQuery("SELECT * FROM idempotent_request WHERE tenant_id = :tenant AND project_id = :project"
                        + " AND key = :key AND expires_at > now()")
                .bind("tenant", name.tenantId())
                .bind("project", name.projectId())
                .bind("key", name.key())
                .map((rs, ctx) -> kept(rs))
                .findOne();
    }

    static void published(Handle tenant, RequestKey.Name name, UUID job) {
        change(tenant, "UPDATE idempotent_request SET published_at = now()", name, job);
    }

    static void release(Handle tenant, RequestKey.Name name, UUID job) {
        change(tenant, "DELETE FROM idempotent_request", name, job);
    }

    private static void change(Handle tenant, String what, RequestKey.Name name, UUID job) {
        tenant.createUpdate(what + " WHERE tenant_id = :tenant AND project_id = :project AND key = :key"
                        + " AND job_id = :job AND answer IS NULL")
                .bind("tenant", name.tenantId())
                .bind("project", name.projectId())
                .bind("key", name.key())
                .bind("job", job)
                .execute();
    }

    /** Keeps the answer, unless there is one. */
    static void answer(Handle tenant, RequestKey.Name name, UUID job, byte[] answer) {
        tenant.createUpdate("UPDATE idempotent_request SET answer = :answer, submission = NULL,"
                        + " published_at = coalesce(published_at, now()) WHERE tenant_id = :tenant"
                        + " AND project_id = :project AND key = :key AND job_id = :job AND answer IS NULL")
                .bind("answer", answer)
                .bind("tenant", name.tenantId())
                .bind("project", name.projectId())
                .bind("key", name.key())
                .bind("job", job)
                .execute();
    }

    /** Holds on to open requests for another term. */
    static void renew(Handle operator, UUID holder, Collection<UUID> jobs, Duration term) {
        operator.createUpdate("UPDATE idempotent_request SET held_until = now() + :term * interval '1 millisecond'"
                        + " WHERE holder = :holder AND answer IS NULL AND job_id = ANY(:jobs)")
                .bind("term", term.toMillis())
                .bind("holder", holder)
                .bindArray("jobs", UUID.class, jobs.toArray())
                .execute();
    }

    /** Takes over open requests whose holder counts as dead. */
    static List<Kept> takeOver(Handle operator, UUID holder, Duration term, int most) {
        return operator.createQuery("""
                        UPDATE idempotent_request r SET holder = :holder, held_until = now() + :term * interval '1 millisecond'
                        FROM (SELECT tenant_id, project_id, key FROM idempotent_request
                            WHERE answer IS NULL AND held_until < now() AND expires_at > now()
                            ORDER BY held_until LIMIT :most FOR UPDATE SKIP LOCKED) o
                        WHERE r.tenant_id = o.tenant_id AND r.project_id = o.project_id AND r.key = o.key
                        RETURNING r.*""")
                .bind("holder", holder)
                .bind("term", term.toMillis())
                .bind("most", most)
                .map((rs, ctx) -> kept(rs))
                .list();
    }

    /** Leaves everything that is open to whoever comes. */
    static void letGo(Handle operator, UUID holder) {
        operator.createUpdate("UPDATE idempotent_request SET held_until = '-infinity'"
                        + " WHERE holder = :holder AND answer IS NULL")
                .bind("holder", holder)
                .execute();
    }

    /** Deletes what is past its time; how many. */
    static int deleteOld(Handle operator) {
        return operator.createUpdate("DELETE FROM idempotent_request WHERE expires_at <= now()")
                .execute();
    }

    private static Kept kept(ResultSet rs) throws SQLException {
        return new Kept(
                new RequestKey.Name(rs.getString("tenant_id"), rs.getString("project_id"), rs.getString("key")),
                HexFormat.of().formatHex(rs.getBytes("request_hash")),
                rs.getObject("job_id", UUID.class),
                rs.getBytes("submission"),
                rs.getBytes("answer"),
                rs.getTimestamp("created_at").toInstant());
    }
}
