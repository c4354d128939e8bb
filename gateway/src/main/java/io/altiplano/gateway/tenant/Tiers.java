package io.altiplano.gateway.tenant;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Moves tenants between tiers. Every move is an event; into the integrated-product tier and out of suspension two persons are
 * needed, and suspension itself needs one and no waiting. The database refuses a move without its event, and these two
 * without an approval.
 */
@ApplicationScoped
public class Tiers {
    /** Kind of the approval of a move into the integrated-product tier. */
    static final String INTEGRATED_PRODUCT = "INTEGRATED_PRODUCT";
    /** Kind of the approval of a move out of suspension. */
    static final String REINSTATEMENT = "REINSTATEMENT";

    private final Db db;
    private final AuditLog audit;
    private final Approvals approvals;

    @Inject
    Tiers(Db db, AuditLog audit, Approvals approvals) {
        this.db = db;
        this.audit = audit;
        this.approvals = approvals;
    }

    /** What became of a wish: moved, or waiting for a second person. */
    record Outcome(Tier tier, @Nullable Approval approval) {}

    /**
     * Moves a tenant, or proposes the move where two persons are needed.
     *
     * @param licences for the integrated-product tier, else empty
     * @throws ApiException 404 no such tenant; 409 it is there already, or is suspended; 409 {@code grant_required} for the
     *     licensed tier without a grant of Meta's in force
     */
    Outcome move(Person person, String tenantId, Tier to, List<String> licences, String reason) {
        return db.operator(operator -> {
            Tier from = TierStore.lock(operator, tenantId).orElseThrow(() -> Tenants.unknown(tenantId));
            if (from == to) {
                throw conflict("tier_unchanged", "The tenant is in the tier " + to.text() + " already.");
            }
            if (from == Tier.SUSPENDED) {
                throw conflict(
                        "tenant_suspended", "The tenant is suspended: reinstate it first, which needs two persons.");
            }
            if (to == Tier.LICENSED && !TierStore.hasGrant(operator, tenantId)) {
                throw conflict(
                        "grant_required",
                        "The licensed tier needs a grant of Meta's in force: record it and have it approved.");
            }
            if (to == Tier.INTEGRATED_PRODUCT) {
                return new Outcome(
                        from, propose(operator, person, INTEGRATED_PRODUCT, tenantId, from, to, licences, reason));
            }
            apply(operator, tenantId, from, to, person, reason, null);
            return new Outcome(to, null);
        });
    }

    /**
     * Suspends at once: every use is refused at every gateway within a second, and what runs ends. Twice is once.
     *
     * @throws ApiException 404 no such tenant
     */
    public void suspend(Person person, String tenantId, String reason) {
        var unused = db.operator(operator -> {
            suspend(operator, person, tenantId, reason);
            return true;
        });
    }

    /** The same inside an operator's transaction. */
    public void suspend(Handle operator, Person person, String tenantId, String reason) {
        Tier from = TierStore.lock(operator, tenantId).orElseThrow(() -> Tenants.unknown(tenantId));
        if (from != Tier.SUSPENDED) {
            apply(operator, tenantId, from, Tier.SUSPENDED, person, reason, null);
        }
    }

    /**
     * Proposes to give a suspended tenant its tier back.
     *
     * @throws ApiException 404 no such tenant; 409 it is not suspended
     */
    Approval reinstate(Person person, String tenantId, String reason) {
        return db.operator(operator -> {
            Tier from = TierStore.lock(operator, tenantId).orElseThrow(() -> Tenants.unknown(tenantId));
            if (from != Tier.SUSPENDED) {
                throw conflict("not_suspended", "The tenant is not suspended.");
            }
            Tier before = TierStore.events(operator, tenantId).getLast().fromTier();
            return propose(operator, person, REINSTATEMENT, tenantId, from, before, List.of(), reason);
        });
    }

    /** Whether a grant of Meta's is approved for a tenant and has not ended. */
    public boolean hasGrant(Handle operator, String tenantId) {
        return TierStore.hasGrant(operator, tenantId);
    }

    /** All moves of a tenant, oldest first. */
    List<TierEvent> history(String tenantId) {
        return db.operator(operator -> TierStore.events(operator, tenantId));
    }

    /**
     * A move that follows from something else, in its transaction: from one of some tiers to another, else nothing.
     *
     * @param part of the platform, as "system:part" in the event
     */
    public void follow(Handle operator, String part, String tenantId, List<Tier> from, Tier to, String reason) {
        Optional<Tier> present = TierStore.lock(operator, tenantId);
        if (present.isPresent() && from.contains(present.get())) {
            apply(operator, tenantId, present.get(), to, new Person("system:" + part, "system:" + part), reason, null);
        }
    }

    private Approval propose(
            Handle operator,
            Person person,
            String kind,
            String tenantId,
            Tier from,
            Tier to,
            List<String> licences,
            String reason) {
        String id = "tpr_" + UUID.randomUUID().toString().replace("-", "");
        TierProposal proposal = new TierProposal(id, tenantId, from, to, licences, reason, person.subject());
        TierStore.insert(operator, proposal);
        String summary = "Move " + tenantId + " from " + from.text() + " to " + to.text()
                + (licences.isEmpty() ? "" : " for " + String.join(", ", proposal.licences())) + ": " + reason;
        return approvals.propose(
                operator,
                person,
                tenantId,
                kind,
                id,
                summary.length() > 1000 ? summary.substring(0, 1000) : summary,
                proposal.contentHash(from),
                List.of(person.subject()));
    }

    /** The hash of a proposal as things stand now, with its tenant locked. */
    static String content(Handle operator, Approval approval) {
        TierProposal proposal =
                TierStore.proposal(operator, approval.subjectId()).orElseThrow();
        return proposal.contentHash(
                TierStore.lock(operator, proposal.tenantId()).orElseThrow());
    }

    /** Does what was approved. */
    void approved(Handle operator, Approval approval, Person approver) {
        TierProposal proposal =
                TierStore.proposal(operator, approval.subjectId()).orElseThrow();
        apply(
                operator,
                proposal.tenantId(),
                proposal.fromTier(),
                proposal.toTier(),
                approver,
                proposal.reason(),
                approval.id());
        for (String licence : proposal.licences()) {
            TierStore.insertIntegratedProduct(operator, proposal.tenantId(), licence, approval.id());
        }
    }

    private void apply(
            Handle operator,
            String tenantId,
            Tier from,
            Tier to,
            Person person,
            String reason,
            @Nullable String approvalId) {
        TierStore.move(operator, tenantId, from, to, person.subject(), person.name(), reason, approvalId);
        if (from == Tier.INTEGRATED_PRODUCT && to != Tier.SUSPENDED) {
            TierStore.endIntegratedProducts(operator, tenantId);
        }
        Map<String, String> detail = new HashMap<>(Map.of("from", from.text(), "to", to.text(), "reason", reason));
        if (approvalId != null) {
            detail.put("approval", approvalId);
        }
        audit.append(operator, AuditEntry.by(person, "tenant.tier", tenantId, tenantId, detail));
    }

    private static ApiException conflict(String code, String message) {
        return new ApiException(ApiError.conflict(code, message));
    }
}
