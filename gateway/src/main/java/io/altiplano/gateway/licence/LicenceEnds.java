package io.altiplano.gateway.licence;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.ApprovalEffect;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.approval.ContentHash;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.mapper.reflect.ConstructorMapper;
import org.jspecify.annotations.Nullable;

/**
 * The ends of licences: by a claim that the tenant filed (clause 5.c) and by termination (clause 6). One officer records them,
 * for they only take away; to give a terminated licence back takes two. A filed claim has no way back: it ended the licence.
 */
@ApplicationScoped
public class LicenceEnds implements ApprovalEffect {
    private static final String KIND = "LICENCE_REINSTATEMENT";

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Approvals approvals;

    @Inject
    LicenceEnds(Db db, AuditLog audit, Tenants tenants, Approvals approvals) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.approvals = approvals;
    }

    /** A claim that a tenant filed. */
    public record Claim(
            String id, String tenantId, String licence, LocalDate filedOn, String reference, Instant recordedAt) {}

    /** A licence that was ended for a tenant. */
    public record Ended(
            String id,
            String tenantId,
            String licence,
            Instant endedAt,
            String cause,
            String recordedBy,
            @Nullable Instant reinstatedAt) {}

    /** Records a claim. */
    Claim claim(Person officer, String tenantId, String licence, LocalDate filedOn, String reference) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            String id = newId("lit_");
            operator.execute(
                    "INSERT INTO litigation (id, tenant_id, licence, filed_on, reference, recorded_by) VALUES (?, ?, ?, ?, ?, ?)",
                    id,
                    tenantId,
                    licence,
                    filedOn,
                    reference,
                    officer.subject());
            note(
                    operator,
                    officer,
                    "litigation.record",
                    tenantId,
                    id,
                    Map.of("licence", licence, "filed_on", filedOn.toString(), "reference", reference));
            return claims(operator, tenantId).stream()
                    .filter(c -> c.id().equals(id))
                    .findFirst()
                    .orElseThrow();
        });
    }

    /** Ends a licence for a tenant now. */
    Ended terminate(Person officer, String tenantId, String licence, String cause) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            String id = newId("trm_");
            operator.execute(
                    "INSERT INTO termination (id, tenant_id, licence, ended_at, cause, recorded_by)"
                            + " VALUES (?, ?, ?, clock_timestamp(), ?, ?)",
                    id,
                    tenantId,
                    licence,
                    cause,
                    officer.subject());
            note(operator, officer, "licence.terminate", tenantId, id, Map.of("licence", licence, "cause", cause));
            return lock(operator, tenantId, id).orElseThrow();
        });
    }

    /**
     * Proposes to give a terminated licence back.
     *
     * @throws ApiException 404 there is no such end, or it was given back
     */
    Approval reinstate(Person officer, String tenantId, String id, String reason) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            Ended ended = open(operator, tenantId, id);
            return approvals.propose(
                    operator,
                    officer,
                    tenantId,
                    KIND,
                    id,
                    "Give " + ended.licence() + " back to " + tenantId + ": " + reason,
                    content(ended),
                    List.of(officer.subject()));
        });
    }

    /** A tenant's claims and ends, oldest first. */
    record All(List<Claim> claims, List<Ended> ended) {}

    All list(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            List<Ended> ended = operator.createQuery(
                            "SELECT * FROM termination WHERE tenant_id = :tenant ORDER BY recorded_at, id")
                    .bind("tenant", tenantId)
                    .map(ConstructorMapper.of(Ended.class))
                    .list();
            return new All(claims(operator, tenantId), ended);
        });
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        return content(open(operator, approval.tenantId(), approval.subjectId()));
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        operator.execute(
                "UPDATE termination SET reinstated_at = clock_timestamp(), approval_id = ? WHERE id = ?",
                approval.id(),
                approval.subjectId());
        note(operator, approver, "licence.reinstate", approval.tenantId(), approval.subjectId(), Map.of());
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        // It stays ended; the approval itself is the record of the refusal.
    }

    private static String content(Ended e) {
        return ContentHash.of(KIND)
                .field(e.id())
                .field(e.licence())
                .field(e.endedAt())
                .field(e.cause())
                .hex();
    }

    private static Ended open(Handle operator, String tenantId, String id) {
        return lock(operator, tenantId, id)
                .filter(e -> e.reinstatedAt() == null)
                .orElseThrow(() -> new ApiException(
                        ApiError.notFound("termination_not_found", "There is no termination " + id + " in force.")));
    }

    private static Optional<Ended> lock(Handle operator, String tenantId, String id) {
        return operator.createQuery("SELECT * FROM termination WHERE id = :id AND tenant_id = :tenant FOR UPDATE")
                .bind("id", id)
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Ended.class))
                .findOne();
    }

    private static List<Claim> claims(Handle operator, String tenantId) {
        return operator.createQuery("SELECT * FROM litigation WHERE tenant_id = :tenant ORDER BY recorded_at, id")
                .bind("tenant", tenantId)
                .map(ConstructorMapper.of(Claim.class))
                .list();
    }

    private static String newId(String prefix) {
        return prefix + UUID.randomUUID().toString().replace("-", "");
    }

    private void note(
            Handle operator, Person person, String action, String tenantId, String id, Map<String, ?> detail) {
        audit.append(operator, AuditEntry.by(person, action, tenantId, id, detail));
    }
}
