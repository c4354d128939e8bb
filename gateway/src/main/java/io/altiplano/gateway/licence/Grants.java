package io.altiplano.gateway.licence;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.ApprovalEffect;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.licence.GrantRecord.Content;
import io.altiplano.gateway.licence.GrantRecord.State;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.tenant.Tiers;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.runtime.Shutdown;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jdbi.v3.core.Handle;

/**
 * Meta's grants: one officer records a document, another approves on that evidence, and only then does it count. An edit voids
 * what was proposed. To end one takes one officer and no waiting; one whose last day is over ends by itself.
 */
@ApplicationScoped
public class Grants implements ApprovalEffect {
    private static final Logger LOG = Logger.getLogger(Grants.class);
    private static final Person SYSTEM = new Person("system:grants", "system:grants");
    private static final long EXPIRY_SECONDS = 60;

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Tiers tiers;
    private final Approvals approvals;
    private final LicenceRequests requests;
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("grant-expiry").factory());

    @Inject
    Grants(Db db, AuditLog audit, Tenants tenants, Tiers tiers, Approvals approvals, LicenceRequests requests) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.tiers = tiers;
        this.approvals = approvals;
        this.requests = requests;
    }

    /** A record, and the proposal about it. */
    public record Outcome(GrantRecord grant, Approval approval) {}

    @Startup
    void start() {
        var unused = scheduler.scheduleWithFixedDelay(this::expireQuietly, 5, EXPIRY_SECONDS, TimeUnit.SECONDS);
    }

    @Shutdown
    void stop() {
        scheduler.shutdownNow();
    }

    /**
     * Records a grant and proposes it to a second person.
     *
     * @throws ApiException 404 no such tenant or document
     */
    Outcome record(Person officer, String tenantId, Content content) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            Content checked = withHash(operator, tenantId, content);
            String id = "grt_" + UUID.randomUUID().toString().replace("-", "");
            GrantStore.insert(operator, id, tenantId, checked, officer.subject());
            note(operator, officer, "licence_grant.record", tenantId, id, detail(checked));
            return propose(operator, officer, require(operator, tenantId, id));
        });
    }

    /**
     * Writes one anew that nobody has decided about; the proposal is void, and a new one is made.
     *
     * @throws ApiException 404 no such tenant, grant or document; 409 it is decided about
     */
    Outcome edit(Person officer, String tenantId, String id, Content content) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            GrantRecord grant = require(operator, tenantId, id);
            if (grant.state() != State.RECORDED) {
                throw new ApiException(ApiError.conflict(
                        "licence_grant_" + grant.state().name().toLowerCase(Locale.ROOT),
                        "The grant " + id + " is decided about; revoke it and record another."));
            }
            Content checked = withHash(operator, tenantId, content);
            GrantStore.rewrite(operator, id, checked, officer.subject());
            note(operator, officer, "licence_grant.edit", tenantId, id, detail(checked));
            return propose(operator, officer, require(operator, tenantId, id));
        });
    }

    /**
     * Ends a grant at once: what it permitted is refused at every gateway within a second.
     *
     * @throws ApiException 404 there is none that could be ended
     */
    GrantRecord revoke(Person officer, String tenantId, String id, String reason) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            GrantRecord grant = require(operator, tenantId, id);
            if (grant.state() != State.RECORDED && grant.state() != State.APPROVED) {
                throw unknown(id);
            }
            approvals.voidOpen(operator, officer, GrantRecord.KIND, id, "revoked: " + reason);
            GrantStore.close(operator, id, State.REVOKED, reason);
            note(operator, officer, "licence_grant.revoke", tenantId, id, Map.of("reason", reason));
            ended(operator, grant, "the grant " + id + " was revoked: " + reason);
            return require(operator, tenantId, id);
        });
    }

    /** All of a tenant's, oldest first. */
    List<GrantRecord> list(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return GrantStore.list(operator, tenantId);
        });
    }

    /** Records the end of those whose last day is over; how many they were. */
    int expire() {
        return db.operator(operator -> {
            List<GrantRecord> over = GrantStore.expire(operator);
            for (GrantRecord grant : over) {
                note(operator, SYSTEM, "licence_grant.expire", grant.tenantId(), grant.id(), Map.of());
                ended(operator, grant, "the grant " + grant.id() + " has expired");
            }
            return over.size();
        });
    }

    private void expireQuietly() {
        try {
            expire();
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("expired grants not marked: %s", e.getMessage());
        } catch (RuntimeException e) {
            // A scheduled action that throws is never run again.
            LOG.errorf(e, "expired grants not marked");
        }
    }

    @Override
    public String kind() {
        return GrantRecord.KIND;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        return require(operator, approval.tenantId(), approval.subjectId()).contentHash();
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        GrantStore.approve(operator, approval.subjectId(), approval.id());
        GrantRecord grant = require(operator, approval.tenantId(), approval.subjectId());
        note(operator, approver, "licence_grant.approve", grant.tenantId(), grant.id(), detail(grant.content()));
        for (String licence : grant.content().licences()) {
            requests.close(
                    operator,
                    approver,
                    grant.tenantId(),
                    licence,
                    LicenceRequest.State.GRANTED,
                    "Meta granted: " + grant.id());
        }
        tiers.follow(
                operator,
                "grants",
                grant.tenantId(),
                List.of(Tier.EVALUATION, Tier.COMMUNITY),
                Tier.LICENSED,
                "Meta granted: " + grant.id());
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        GrantStore.close(operator, approval.subjectId(), State.REJECTED, reason);
    }

    private void ended(Handle operator, GrantRecord grant, String reason) {
        requests.grantEnded(operator, grant.tenantId(), grant.content().licences());
        if (!tiers.hasGrant(operator, grant.tenantId())) {
            tiers.follow(
                    operator,
                    "grants",
                    grant.tenantId(),
                    List.of(Tier.LICENSED),
                    Tier.COMMUNITY,
                    reason.length() > 1000 ? reason.substring(0, 1000) : reason);
        }
    }

    private Outcome propose(Handle operator, Person officer, GrantRecord grant) {
        Content c = grant.content();
        String summary =
                "Meta's grant to " + grant.tenantId() + " for " + String.join(", ", c.licences()) + " to " + c.uses()
                        + (c.territory().isEmpty() ? " worldwide" : " in " + c.territory()) + " from " + c.date()
                        + (c.lastDay() == null ? "" : " to " + c.lastDay()) + ": " + c.document();
        return new Outcome(
                grant,
                approvals.propose(
                        operator,
                        officer,
                        grant.tenantId(),
                        GrantRecord.KIND,
                        grant.id(),
                        summary.length() > 1000 ? summary.substring(0, 1000) : summary,
                        grant.contentHash(),
                        grant.editors()));
    }

    private static Content withHash(Handle operator, String tenantId, Content c) {
        String sha256 =
                DocumentStore.require(operator, tenantId, c.documentId()).sha256();
        return new Content(
                c.licences(), c.uses(), c.territory(), c.document(), c.documentId(), sha256, c.date(), c.lastDay());
    }

    private static Map<String, ?> detail(Content c) {
        return Map.of(
                "licences", List.copyOf(c.licences()),
                "uses", c.uses().stream().map(Enum::name).toList(),
                "document", c.document(),
                "document_sha256", c.documentSha256());
    }

    private static GrantRecord require(Handle operator, String tenantId, String id) {
        return GrantStore.lock(operator, tenantId, id).orElseThrow(() -> unknown(id));
    }

    private static ApiException unknown(String id) {
        return new ApiException(
                ApiError.notFound("licence_grant_not_found", "There is no licence grant " + id + " in force."));
    }

    private void note(
            Handle operator, Person person, String action, String tenantId, String id, Map<String, ?> detail) {
        audit.append(operator, AuditEntry.by(person, action, tenantId, id, detail));
    }
}
