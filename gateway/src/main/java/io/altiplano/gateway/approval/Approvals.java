package io.altiplano.gateway.approval;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.arc.All;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Two persons: one proposes, another who wrote none of it approves, and neither is a member of the tenant. The approver names
 * the content that was read (its hash); when the record has been edited since, the answer is 409 and nothing holds. The
 * database's constraints say the same once more.
 */
@ApplicationScoped
public class Approvals {
    private final Db db;
    private final AuditLog audit;
    private final Clock clock;
    private final Map<String, ApprovalEffect> effects = new HashMap<>();

    @Inject
    Approvals(Db db, AuditLog audit, Clock clock, @All List<ApprovalEffect> effects) {
        this.db = db;
        this.audit = audit;
        this.clock = clock;
        for (ApprovalEffect effect : effects) {
            if (this.effects.put(effect.kind(), effect) != null) {
                throw new IllegalStateException("two effects of the kind " + effect.kind());
            }
        }
    }

    /**
     * Proposes, inside the transaction that wrote the record. An open proposal about the same record is voided.
     *
     * @param editors subjects of everyone who wrote some of the content
     * @throws ApiException 403 if the proposer is a member of the tenant
     */
    public Approval propose(
            Handle operator,
            Person proposer,
            String tenantId,
            String kind,
            String subjectId,
            String summary,
            String contentHash,
            Collection<String> editors) {
        if (!effects.containsKey(kind)) {
            throw new IllegalArgumentException("nothing handles approvals of the kind " + kind);
        }
        requireOutsider(operator, tenantId, proposer);
        voidOpen(operator, proposer, kind, subjectId, "proposed anew");
        Approval approval = new Approval(
                "apr_" + UUID.randomUUID().toString().replace("-", ""),
                tenantId,
                kind,
                subjectId,
                summary,
                contentHash,
                List.copyOf(new TreeSet<>(editors)),
                proposer.subject(),
                proposer.name(),
                clock.instant(),
                Approval.State.OPEN,
                null,
                null,
                null,
                null);
        ApprovalStore.insert(operator, approval);
        note(operator, proposer, approval, "approval.propose", Map.of("content_hash", contentHash));
        return approval;
    }

    /** Voids the open proposal about a record, if there is one: the record is being edited, or has been decided otherwise. */
    public void voidOpen(Handle operator, Person by, String kind, String subjectId, String reason) {
        ApprovalStore.lockOpen(operator, kind, subjectId).ifPresent(open -> {
            ApprovalStore.close(operator, open.id(), Approval.State.VOIDED, by.subject(), by.name(), reason);
            note(operator, by, open, "approval.void", Map.of("reason", reason));
        });
    }

    /**
     * Approves, and does what was proposed, in one transaction.
     *
     * @param contentHash of the content that the approver has read
     * @throws ApiException 404 unknown; 409 closed, or the record's content is another; 403 not a second person
     */
    public Approval approve(Person approver, String id, String contentHash) {
        return decide(approver, id, (operator, open) -> {
            requireOutsider(operator, open.tenantId(), approver);
            if (approver.subject().equals(open.proposedBy()) || open.editors().contains(approver.subject())) {
                throw new ApiException(ApiError.forbidden(
                        "second_person_required",
                        "You proposed or edited this yourself; another officer must approve it."));
            }
            ApprovalEffect effect = effect(open);
            String now = effect.currentContent(operator, open);
            if (!now.equals(open.contentHash()) || !now.equals(contentHash)) {
                throw new ApiException(ApiError.conflict(
                        "content_changed",
                        "The record is not the one that you read: read it again and approve its present content_hash, or have"
                                + " it proposed anew if it was edited."));
            }
            ApprovalStore.close(operator, id, Approval.State.APPROVED, approver.subject(), approver.name(), null);
            effect.approved(operator, open, approver);
            note(operator, approver, open, "approval.approve", Map.of("content_hash", contentHash));
        });
    }

    /**
     * Refuses a proposal. Its proposer may do that too.
     *
     * @throws ApiException 404 unknown; 409 closed; 403 a member of the tenant
     */
    public Approval reject(Person person, String id, String reason) {
        return decide(person, id, (operator, open) -> {
            requireOutsider(operator, open.tenantId(), person);
            ApprovalStore.close(operator, id, Approval.State.REJECTED, person.subject(), person.name(), reason);
            effect(open).rejected(operator, open, person, reason);
            note(operator, person, open, "approval.reject", Map.of("reason", reason));
        });
    }

    /** One proposal. */
    public Optional<Approval> find(String id) {
        return db.operator(handle -> ApprovalStore.find(handle, id));
    }

    /** At most {@code limit} of them, oldest first; null for any state, any tenant. */
    public List<Approval> list(Approval.@Nullable State state, @Nullable String tenantId, int limit) {
        return db.operator(handle -> ApprovalStore.list(handle, state, tenantId, limit));
    }

    private interface Step {
        void on(Handle operator, Approval open);
    }

    private Approval decide(Person person, String id, Step step) {
        return db.operator(operator -> {
            Approval found = ApprovalStore.lock(operator, id).orElseThrow(() -> unknown(id));
            if (found.state() != Approval.State.OPEN) {
                throw new ApiException(ApiError.conflict(
                        "approval_closed",
                        "The proposal " + id + " is " + found.state().name().toLowerCase(java.util.Locale.ROOT)
                                + " already."));
            }
            step.on(operator, found);
            return ApprovalStore.find(operator, id).orElseThrow();
        });
    }

    private ApprovalEffect effect(Approval approval) {
        ApprovalEffect effect = effects.get(approval.kind());
        if (effect == null) {
            throw new IllegalStateException("nothing handles approvals of the kind " + approval.kind());
        }
        return effect;
    }

    /**
     * Refuses a person who would decide about a tenant of its own.
     *
     * @throws ApiException 403 a member of the tenant
     */
    public static void requireOutsider(Handle operator, String tenantId, Person person) {
        if (ApprovalStore.isMember(operator, tenantId, person.subject())) {
            throw new ApiException(ApiError.forbidden(
                    "member_of_tenant",
                    "You are a member of the tenant " + tenantId + "; an officer who is not must decide."));
        }
    }

    private void note(Handle operator, Person person, Approval a, String action, Map<String, String> more) {
        Map<String, String> detail = new HashMap<>(more);
        detail.put("kind", a.kind());
        detail.put("record", a.subjectId());
        audit.append(operator, AuditEntry.by(person, action, a.tenantId(), a.id(), detail));
    }

    static ApiException unknown(String id) {
        return new ApiException(ApiError.notFound("approval_not_found", "There is no proposal " + id + "."));
    }
}
