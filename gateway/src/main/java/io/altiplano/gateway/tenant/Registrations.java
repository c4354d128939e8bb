package io.altiplano.gateway.tenant;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import io.quarkus.arc.All;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/**
 * Which registration numbers somebody has checked. A number that a tenant states of itself, or of an affiliate, binds that
 * tenant by the group's figures at once; its own figures bind the others of the group only when an officer, who is not of the
 * tenant, has confirmed it. Else a stranger could take a company's rights away by stating its number and a large figure.
 */
@ApplicationScoped
public class Registrations {
    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final List<GroupChange> groupChanges;

    @Inject
    Registrations(Db db, AuditLog audit, Tenants tenants, @All List<GroupChange> groupChanges) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.groupChanges = groupChanges;
    }

    /**
     * What a tenant states and nobody has checked.
     *
     * @param affiliate the affiliate's id, or null for the tenant's own number
     * @param name of the legal entity as the tenant states it
     * @param others tenants of that legal entity that are confirmed: whom the tenant would join
     */
    record Claim(
            String tenant,
            @Nullable String affiliate,
            String name,
            String registrationNumber,
            Instant statedAt,
            List<String> others) {}

    /** All claims that wait, the tenants' own numbers first. */
    List<Claim> unconfirmed() {
        return db.operator(operator -> {
            List<Claim> claims = new ArrayList<>();
            for (Tenant t : TenantStore.unconfirmed(operator)) {
                String number = Objects.requireNonNull(t.registrationNumber());
                claims.add(new Claim(
                        t.id(), null, t.name(), number, t.createdAt(), TenantStore.confirmedAs(operator, number)));
            }
            for (Affiliate a : AffiliationStore.unconfirmed(operator)) {
                String number = a.registrationNumber();
                claims.add(new Claim(
                        a.tenantId(),
                        a.id(),
                        a.name(),
                        number,
                        a.declaredAt(),
                        TenantStore.confirmedAs(operator, number)));
            }
            return claims;
        });
    }

    /**
     * Notes that a tenant is the legal entity whose number it states; its figures count for the whole group from now on.
     *
     * @param number what the officer has checked
     * @param evidence what was looked at
     * @throws ApiException 404 no such tenant; 409 it states another number, or none; 403 a member of the tenant
     */
    Tenant confirm(Person officer, String tenantId, String number, String evidence) {
        return db.operator(operator -> {
            requireOutsider(operator, tenantId, officer);
            TierStore.lock(operator, tenantId);
            Tenant tenant = TenantStore.find(operator, tenantId).orElseThrow();
            requireSame(tenant.registrationNumber(), number, "The tenant " + tenantId);
            if (tenant.registrationConfirmedAt() == null) {
                TenantStore.confirm(operator, tenantId, officer.subject());
                confirmed(operator, officer, "tenant.confirm", tenantId, tenantId, number, evidence);
            }
            return TenantStore.find(operator, tenantId).orElseThrow();
        });
    }

    /**
     * Notes that another legal entity is a tenant's affiliate; the group's figures count for that entity's accounts from now on.
     *
     * @throws ApiException 404 no such affiliate; 409 it has another number; 403 a member of the tenant
     */
    Affiliate confirmAffiliate(Person officer, String tenantId, String id, String number, String evidence) {
        return db.operator(operator -> {
            requireOutsider(operator, tenantId, officer);
            Affiliate affiliate =
                    AffiliationStore.lock(operator, tenantId, id).orElseThrow(() -> Affiliations.unknown(id));
            requireSame(affiliate.registrationNumber(), number, "The affiliate " + id);
            if (affiliate.confirmedAt() == null) {
                AffiliationStore.confirm(operator, id, officer.subject());
                confirmed(operator, officer, "affiliate.confirm", tenantId, id, number, evidence);
            }
            return AffiliationStore.lock(operator, tenantId, id).orElseThrow();
        });
    }

    private void confirmed(
            Handle operator, Person by, String action, String tenantId, String id, String number, String evidence) {
        audit.append(
                operator,
                AuditEntry.by(by, action, tenantId, id, Map.of("registration_number", number, "evidence", evidence)));
        List<String> bound = AffiliationStore.boundBy(operator, tenantId);
        groupChanges.forEach(follower -> follower.changed(operator, bound));
    }

    private void requireOutsider(Handle operator, String tenantId, Person officer) {
        tenants.require(operator, tenantId);
        if (MemberStore.find(operator, tenantId, officer.subject()).isPresent()) {
            throw new ApiException(ApiError.forbidden(
                    "member_of_tenant",
                    "You are a member of the tenant " + tenantId + "; an officer who is not must confirm it."));
        }
    }

    private static void requireSame(@Nullable String stated, String checked, String who) {
        if (!checked.equals(stated)) {
            throw new ApiException(ApiError.conflict(
                    "another_registration_number",
                    who + " states " + (stated == null ? "no registration number" : stated) + " and not " + checked
                            + ". What is stated stays as it is; another legal entity is another tenant."));
        }
    }
}
