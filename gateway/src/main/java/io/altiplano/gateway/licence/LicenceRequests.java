package io.altiplano.gateway.licence;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.GroupChange;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.altiplano.licensing.LicenceVersion;
import io.altiplano.licensing.Licences;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Requests for Meta's licence. One opens by itself for every tenant of a group whose accepted figure is above a licence's
 * threshold and that has no grant; it ends with the grant, with Meta's refusal, or when the figure has fallen.
 */
@ApplicationScoped
public class LicenceRequests implements GroupChange {
    private static final Person SYSTEM = new Person("system:licence-requests", "system:licence-requests");

    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;

    @Inject
    LicenceRequests(Db db, AuditLog audit, Tenants tenants) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
    }

    /** Opens and closes requests of a tenant and of all for whom its figures count; the figure of the tenant's group. */
    long follow(Handle operator, String tenantId, String licence) {
        for (String bound : LicenceRequestStore.boundBy(operator, tenantId)) {
            if (!bound.equals(tenantId)) {
                followOne(operator, bound, licence);
            }
        }
        return followOne(operator, tenantId, licence);
    }

    private long followOne(Handle operator, String member, String licence) {
        long threshold = Licences.META.stream()
                .filter(l -> l.id().equals(licence))
                .findFirst()
                .flatMap(l -> l.threshold().stream().boxed().findFirst())
                .orElse(Long.MAX_VALUE);
        long figure = GroupFigure.of(AttestationStore.groupLines(operator, member, licence));
        if (figure > threshold && !LicenceRequestStore.hasGrant(operator, member, licence)) {
            LicenceRequestStore.open(operator, member, licence, figure)
                    .ifPresent(id -> audit.append(
                            operator,
                            AuditEntry.by(
                                    SYSTEM,
                                    "licence_request.open",
                                    member,
                                    id,
                                    Map.of("licence", licence, "monthly_active_users", figure))));
        } else if (figure <= threshold) {
            close(operator, SYSTEM, member, licence, LicenceRequest.State.CLOSED, "the group's figure has fallen");
        }
        return figure;
    }

    @Override
    public void changed(Handle operator, Collection<String> tenantIds) {
        for (String tenant : tenantIds) {
            for (LicenceVersion licence : Licences.META) {
                followOne(operator, tenant, licence.id());
            }
        }
    }

    /** Ends the open request of a tenant for a licence, if there is one. */
    void close(Handle operator, Person by, String tenantId, String licence, LicenceRequest.State state, String reason) {
        LicenceRequestStore.close(operator, tenantId, licence, state, by.subject(), reason)
                .ifPresent(id -> audit.append(
                        operator,
                        AuditEntry.by(
                                by,
                                "licence_request.close",
                                tenantId,
                                id,
                                Map.of("licence", licence, "state", state.name(), "reason", reason))));
    }

    /** A grant ended: whoever is above the threshold needs another. */
    void grantEnded(Handle operator, String tenantId, Set<String> licences) {
        licences.forEach(licence -> follow(operator, tenantId, licence));
    }

    /**
     * Notes that Meta refused.
     *
     * @throws ApiException 404 no such open request
     */
    LicenceRequest refuse(Person officer, String id, String reason) {
        return db.operator(operator -> {
            LicenceRequest request = LicenceRequestStore.find(operator, id)
                    .filter(r -> r.state() == LicenceRequest.State.OPEN)
                    .orElseThrow(() -> new ApiException(ApiError.notFound(
                            "licence_request_not_found", "There is no open licence request " + id + ".")));
            close(operator, officer, request.tenantId(), request.licence(), LicenceRequest.State.REFUSED, reason);
            return LicenceRequestStore.find(operator, id).orElseThrow();
        });
    }

    /** Requests, newest first; null for any state, any tenant. */
    public List<LicenceRequest> list(LicenceRequest.@Nullable State state, @Nullable String tenantId) {
        return db.operator(operator -> {
            if (tenantId != null) {
                tenants.require(operator, tenantId);
            }
            return LicenceRequestStore.list(operator, state, tenantId);
        });
    }
}
