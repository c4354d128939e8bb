package io.altiplano.gateway.tenant;

import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.approval.ApprovalEffect;
import io.altiplano.gateway.approval.Approvals;
import io.altiplano.gateway.approval.ContentHash;
import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.arc.All;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Which legal entities stand in one group, and what products each tenant has. To declare an affiliate takes one person, for it
 * can only take rights away; to take one out takes two, for the group's figure may fall. What the tenant itself declares counts
 * against itself alone before it is confirmed ({@link Registrations}).
 */
@ApplicationScoped
public class Affiliations implements ApprovalEffect {
    private static final String KIND = "AFFILIATE_REMOVAL";

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Approvals approvals;
    private final List<GroupChange> groupChanges;

    @Inject
    Affiliations(Db db, AuditLog audit, Tenants tenants, Approvals approvals, @All List<GroupChange> groupChanges) {
        this.groupChanges = groupChanges;
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.approvals = approvals;
    }

    /** An affiliate, and whether it was new. */
    public record Declared(Affiliate affiliate, boolean isNew) {}

    /**
     * Declares an affiliate; a second time it is the one that is there. What a member of the tenant declares binds the tenant at
     * once, and the affiliate's own accounts only when an officer has confirmed it.
     */
    public Declared declare(Person person, String tenantId, String name, String registrationNumber) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return declare(operator, person, tenantId, name, registrationNumber);
        });
    }

    /** The same inside an operator's transaction. */
    public Declared declare(Handle operator, Person person, String tenantId, String name, String registrationNumber) {
        String id = newId("aff_");
        boolean isNew = AffiliationStore.insert(operator, id, tenantId, name, registrationNumber, person.subject());
        if (isNew) {
            note(
                    operator,
                    person,
                    "affiliate.declare",
                    tenantId,
                    id,
                    Map.of("registration_number", registrationNumber));
            if (MemberStore.find(operator, tenantId, person.subject()).isEmpty()) {
                AffiliationStore.confirm(operator, id, person.subject());
            }
            List<String> bound = AffiliationStore.boundBy(operator, tenantId);
            groupChanges.forEach(follower -> follower.changed(operator, bound));
        }
        Affiliate affiliate = AffiliationStore.affiliates(operator, tenantId).stream()
                .filter(a -> a.removedAt() == null && a.registrationNumber().equals(registrationNumber))
                .findFirst()
                .orElseThrow();
        return new Declared(affiliate, isNew);
    }

    /** A tenant's affiliates, those taken out too. */
    public List<Affiliate> affiliates(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return AffiliationStore.affiliates(operator, tenantId);
        });
    }

    /** The same inside an operator's transaction. */
    public List<Affiliate> affiliates(Handle operator, String tenantId) {
        return AffiliationStore.affiliates(operator, tenantId);
    }

    /** A tenant's products, inside an operator's transaction. */
    public List<Product> products(Handle operator, String tenantId) {
        return AffiliationStore.products(operator, tenantId);
    }

    /** Ids of the tenants whose figures count for a tenant, itself among them. */
    public List<String> group(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return AffiliationStore.group(operator, tenantId);
        });
    }

    /**
     * Proposes to take an affiliate out.
     *
     * @throws ApiException 404 if it is not there
     */
    Approval proposeRemoval(Person person, String tenantId, String id, String reason) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            Affiliate affiliate = AffiliationStore.lock(operator, tenantId, id).orElseThrow(() -> unknown(id));
            return approvals.propose(
                    operator,
                    person,
                    tenantId,
                    KIND,
                    id,
                    "Take the affiliate " + affiliate.name() + " (" + affiliate.registrationNumber()
                            + ") out of the group of " + tenantId + ": " + reason,
                    content(affiliate),
                    List.of(person.subject()));
        });
    }

    /** Declares a product; false if it is there already. */
    public boolean addProduct(Person person, String tenantId, String name) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            String id = newId("prd_");
            boolean isNew = AffiliationStore.insertProduct(operator, id, tenantId, name);
            if (isNew) {
                note(operator, person, "product.add", tenantId, id, Map.of("name", name));
            }
            return isNew;
        });
    }

    /** A tenant's products, ended ones too. */
    public List<Product> products(String tenantId) {
        return db.operator(operator -> {
            tenants.require(operator, tenantId);
            return AffiliationStore.products(operator, tenantId);
        });
    }

    /**
     * Notes that a product is no more. Figures that were attested stay.
     *
     * @throws ApiException 404 if it is not there
     */
    public void endProduct(Person person, String tenantId, String id) {
        var unused = db.operator(operator -> {
            tenants.require(operator, tenantId);
            if (!AffiliationStore.endProduct(operator, tenantId, id)) {
                throw new ApiException(ApiError.notFound("product_not_found", "There is no product " + id + "."));
            }
            note(operator, person, "product.end", tenantId, id, Map.of());
            return true;
        });
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        return AffiliationStore.lock(operator, approval.tenantId(), approval.subjectId())
                .map(Affiliations::content)
                .orElseThrow(() -> unknown(approval.subjectId()));
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        List<String> bound = AffiliationStore.boundBy(operator, approval.tenantId());
        AffiliationStore.remove(operator, approval.subjectId());
        groupChanges.forEach(follower -> follower.changed(operator, bound));
        note(
                operator,
                approver,
                "affiliate.remove",
                approval.tenantId(),
                approval.subjectId(),
                Map.of("approval", approval.id()));
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        // It stays in the group; the approval itself is the record of the refusal.
    }

    private static String content(Affiliate a) {
        return ContentHash.of(KIND)
                .field(a.tenantId())
                .field(a.name())
                .field(a.registrationNumber())
                .hex();
    }

    private void note(
            Handle operator, Person person, String action, String tenantId, String id, Map<String, String> more) {
        audit.append(operator, AuditEntry.by(person, action, tenantId, id, more));
    }

    private static String newId(String prefix) {
        return prefix + UUID.randomUUID().toString().replace("-", "");
    }

    /** The answer to an affiliate that is not there. */
    static ApiException unknown(String id) {
        return new ApiException(ApiError.notFound("affiliate_not_found", "There is no affiliate " + id + "."));
    }
}
