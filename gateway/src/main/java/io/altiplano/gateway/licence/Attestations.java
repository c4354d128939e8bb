package io.altiplano.gateway.licence;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.ApprovalEffect;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.AttestationRecord.Content;
import io.altiplano.gateway.licence.AttestationRecord.State;
import io.altiplano.gateway.tenant.Tenant;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.tenant.Tiers;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.licensing.LicenceEngine;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Attestations: written, submitted, accepted. What can only take rights away is accepted by itself; so is a figure up to the
 * threshold that nothing contradicts. Where the group's accepted figure would fall to or below the threshold, or a fact speaks
 * against it, two officers are needed.
 */
@ApplicationScoped
public class Attestations implements ApprovalEffect {
    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Tiers tiers;
    private final Approvals approvals;
    private final LicenceRequests requests;
    private final AttestationDoubts doubts;
    private final LicenceEngine engine;

    @Inject
    Attestations(
            Db db,
            AuditLog audit,
            Tenants tenants,
            Tiers tiers,
            Approvals approvals,
            LicenceRequests requests,
            AttestationDoubts doubts,
            LicenceEngine engine) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.tiers = tiers;
        this.approvals = approvals;
        this.requests = requests;
        this.doubts = doubts;
        this.engine = engine;
    }

    /** Who acts: an officer, whose submission of a doubtful figure is the first of the two, or a tenant's member, whose is not. */
    public enum Side {
        /** The platform's officer or administrator. */
        OPERATOR,
        /** A member of the tenant. */
        TENANT
    }

    /** A record, and the proposal that waits for a second person, if one does. */
    public record Outcome(
            AttestationRecord attestation, @Nullable Approval approval) {}

    /**
     * Begins an attestation, and submits it if wished.
     *
     * @throws ApiException 404 no such tenant or document; 409 the tenant's registration number is not known
     */
    public Outcome begin(Person person, Side side, String tenantId, Content content, boolean submit) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            requireDocument(operator, tenantId, content.documentId());
            AttestationStore.lockAll(operator);
            String id = "att_" + UUID.randomUUID().toString().replace("-", "");
            String corrects = AttestationStore.accepted(operator, tenantId, content.licence())
                    .map(AttestationRecord::id)
                    .orElse(null);
            AttestationStore.insertDraft(operator, id, tenantId, content, person.subject(), corrects);
            note(operator, person, "attestation.draft", tenantId, id, Map.of("licence", content.licence()));
            return submit
                    ? submit(operator, person, side, tenantId, id)
                    : new Outcome(require(operator, tenantId, id), null);
        });
    }

    /**
     * Writes a draft anew. A submitted one becomes a draft again, and what was proposed about it is void.
     *
     * @throws ApiException 404 no such attestation or document; 409 it is decided about; 400 it is about another licence
     */
    public Outcome edit(Person person, String tenantId, String id, Content content) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            requireDocument(operator, tenantId, content.documentId());
            AttestationStore.lockAll(operator);
            AttestationRecord a = require(operator, tenantId, id);
            if (!a.licence().equals(content.licence())) {
                throw new ApiException(ApiError.invalidRequest(
                        "licence",
                        "invalid_value",
                        "licence is " + a.licence() + "; for another licence begin another."));
            }
            if (a.state() == State.SUBMITTED) {
                approvals.voidOpen(operator, person, AttestationRecord.KIND, id, "edited");
                AttestationStore.toDraft(operator, id);
            } else if (a.state() != State.DRAFT) {
                throw conflict(a, "is corrected by a new one, which keeps it in the history");
            }
            AttestationStore.rewrite(operator, id, tenantId, content, person.subject());
            note(operator, person, "attestation.edit", tenantId, id, Map.of());
            return new Outcome(require(operator, tenantId, id), null);
        });
    }

    /** Submits a draft. */
    public Outcome submit(Person person, Side side, String tenantId, String id) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            AttestationStore.lockAll(operator);
            return submit(operator, person, side, tenantId, id);
        });
    }

    private Outcome submit(Handle operator, Person person, Side side, String tenantId, String id) {
        AttestationRecord draft = require(operator, tenantId, id);
        if (draft.state() != State.DRAFT) {
            throw conflict(draft, "was submitted already");
        }
        Tenant tenant = tenants.find(operator, tenantId).orElseThrow();
        if (tenant.registrationNumber() == null) {
            throw new ApiException(
                    ApiError.conflict(
                            "registration_number_required",
                            "The tenant's registration number is not known, so neither is its group: state it first, then submit."));
        }
        AttestationDoubts.Findings found = doubts.about(operator, tenant, draft);
        AttestationStore.submit(operator, id, found.doubts());
        AttestationRecord submitted = require(operator, tenantId, id);
        note(
                operator,
                person,
                "attestation.submit",
                tenantId,
                id,
                Map.of("monthly_active_users", submitted.monthlyActiveUsers(), "doubts", found.doubts()));
        if (found.doubts().isEmpty()) {
            accept(operator, person, submitted, null);
            return new Outcome(require(operator, tenantId, id), null);
        }
        return new Outcome(submitted, side == Side.OPERATOR ? propose(operator, person, submitted) : null);
    }

    /**
     * An officer stands for a figure that a tenant submitted; a second one may then approve it.
     *
     * @throws ApiException 404 no such attestation; 409 it is not submitted
     */
    public Outcome endorse(Person officer, String tenantId, String id) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            AttestationStore.lockAll(operator);
            AttestationRecord a = require(operator, tenantId, id);
            if (a.state() != State.SUBMITTED) {
                throw conflict(a, "does not wait for anybody");
            }
            return new Outcome(a, propose(operator, officer, a));
        });
    }

    /** Refuses a submitted one. */
    public Outcome reject(Person officer, String tenantId, String id, String reason) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            AttestationStore.lockAll(operator);
            AttestationRecord a = require(operator, tenantId, id);
            if (a.state() != State.SUBMITTED) {
                throw conflict(a, "does not wait for anybody");
            }
            approvals.voidOpen(operator, officer, AttestationRecord.KIND, id, "rejected: " + reason);
            AttestationStore.reject(operator, id, reason);
            note(operator, officer, "attestation.reject", tenantId, id, Map.of("reason", reason));
            return new Outcome(require(operator, tenantId, id), null);
        });
    }

    /** All of a tenant's, newest first. */
    public List<AttestationRecord> list(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return AttestationStore.list(operator, tenantId);
        });
    }

    /** One of a tenant's. */
    public AttestationRecord get(String tenantId, String id) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return require(operator, tenantId, id);
        });
    }

    @Override
    public String kind() {
        return AttestationRecord.KIND;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        AttestationStore.lockAll(operator);
        return require(operator, approval.tenantId(), approval.subjectId()).contentHash();
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        accept(operator, approver, require(operator, approval.tenantId(), approval.subjectId()), approval.id());
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        AttestationStore.reject(operator, approval.subjectId(), reason);
    }

    private Approval propose(Handle operator, Person officer, AttestationRecord a) {
        String summary = String.format(
                Locale.ROOT,
                "Accept %,d monthly active users of %s for %s: %s",
                a.monthlyActiveUsers(),
                a.tenantId(),
                a.licence(),
                String.join("; ", a.doubts()));
        return approvals.propose(
                operator,
                officer,
                a.tenantId(),
                AttestationRecord.KIND,
                a.id(),
                summary.length() > 1000 ? summary.substring(0, 1000) : summary,
                a.contentHash(),
                a.editors());
    }

    private void accept(Handle operator, Person person, AttestationRecord a, @Nullable String approvalId) {
        AttestationStore.accept(operator, a, approvalId);
        note(
                operator,
                person,
                "attestation.accept",
                a.tenantId(),
                a.id(),
                Map.of("licence", a.licence(), "monthly_active_users", a.monthlyActiveUsers()));
        if (requests.follow(operator, a.tenantId(), a.licence()) <= threshold(a.licence())) {
            tiers.follow(
                    operator,
                    "attestations",
                    a.tenantId(),
                    List.of(Tier.EVALUATION),
                    Tier.COMMUNITY,
                    "attested for " + a.licence() + " by " + a.id());
        }
    }

    private long threshold(String licence) {
        return engine.licence(licence).orElseThrow().threshold().orElseThrow();
    }

    private static void requireDocument(Handle operator, String tenantId, @Nullable String documentId) {
        if (documentId != null) {
            DocumentStore.require(operator, tenantId, documentId);
        }
    }

    private static AttestationRecord require(Handle operator, String tenantId, String id) {
        return AttestationStore.lock(operator, tenantId, id)
                .orElseThrow(() -> new ApiException(
                        ApiError.notFound("attestation_not_found", "There is no attestation " + id + ".")));
    }

    private static ApiException conflict(AttestationRecord a, String why) {
        return new ApiException(ApiError.conflict(
                "attestation_" + a.state().name().toLowerCase(Locale.ROOT),
                "The attestation " + a.id() + " is " + a.state().name().toLowerCase(Locale.ROOT) + " and " + why
                        + "."));
    }

    private void note(
            Handle operator, Person person, String action, String tenantId, String id, Map<String, ?> detail) {
        audit.append(operator, AuditEntry.by(person, action, tenantId, id, detail));
    }
}
