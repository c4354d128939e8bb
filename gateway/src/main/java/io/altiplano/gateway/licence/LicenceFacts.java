package io.altiplano.gateway.licence;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.licensing.Attestation;
import io.altiplano.licensing.LicenceGrant;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.Map;

/** Records licence facts. Each change increments the licence epoch in its transaction (a trigger sees to it). */
@ApplicationScoped
public class LicenceFacts {
    private final Db db;
    private final Tenants tenants;
    private final AuditLog audit;

    @Inject
    LicenceFacts(Db db, Tenants tenants, AuditLog audit) {
        this.db = db;
        this.tenants = tenants;
        this.audit = audit;
    }

    /** Records an attestation under an id. */
    void attest(String actor, String id, Attestation attestation) {
        db.operator(handle -> {
            tenants.require(handle, attestation.entity());
            LicenceStore.insertAttestation(handle, id, attestation, actor);
            Map<String, Object> detail = Map.of(
                    "licence", attestation.licence(),
                    "month", attestation.month().toString(),
                    "monthly_active_users", attestation.monthlyActiveUsers(),
                    "signed_by", attestation.signedBy());
            audit.append(handle, new AuditEntry(actor, "attestation.record", attestation.entity(), id, detail));
            return id;
        });
    }

    /** Records a grant of the licensor, by its document. */
    void grant(String actor, LicenceGrant grant, String document) {
        db.operator(handle -> {
            tenants.require(handle, grant.licensee());
            LicenceStore.insertGrant(handle, grant, document, actor);
            Map<String, Object> detail = Map.of(
                    "licences", grant.licences().stream().sorted().toList(),
                    "document", document,
                    "document_sha256", grant.documentSha256());
            audit.append(handle, new AuditEntry(actor, "licence_grant.record", grant.licensee(), grant.id(), detail));
            return grant.id();
        });
    }

    /** Records that a grant was taken back; false if there is none in force. */
    boolean revokeGrant(String actor, String tenantId, String id) {
        return db.operator(handle -> {
            tenants.require(handle, tenantId);
            boolean revoked = LicenceStore.revokeGrant(handle, tenantId, id);
            if (revoked) {
                audit.append(handle, new AuditEntry(actor, "licence_grant.revoke", tenantId, id, Map.of()));
            }
            return revoked;
        });
    }
}
