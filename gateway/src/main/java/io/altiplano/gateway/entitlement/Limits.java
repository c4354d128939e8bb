package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.audit.AuditEntry;
import io.altiplano.gateway.audit.AuditLog;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.tenant.Projects;
import io.altiplano.gateway.tenant.Tenant;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A tenant's limits as people see and set them. What is set is in force at every gateway with the next request. */
@ApplicationScoped
public class Limits {
    private final Db db;
    private final AuditLog audit;
    private final Tenants tenants;
    private final Projects projects;
    private final Plans plans;
    private final Clock clock;

    @Inject
    Limits(Db db, AuditLog audit, Tenants tenants, Projects projects, Plans plans, Clock clock) {
        this.db = db;
        this.audit = audit;
        this.tenants = tenants;
        this.projects = projects;
        this.plans = plans;
        this.clock = clock;
    }

    /** How a tenant and its projects stand, the tenant first, and what differs from the plan, at an instant. */
    public record Overview(List<Standing> standings, List<LimitOverride> overrides, Instant at) {}

    /**
     * How a tenant stands, under its row rules.
     *
     * @throws ApiException 404 no such tenant
     */
    public Overview of(String tenantId) {
        Tenant tenant = tenants.find(tenantId).orElseThrow(() -> Tenants.unknown(tenantId));
        Plan plan = plans.of(tenant.tier());
        return db.tenant(
                tenant.id(),
                handle -> new Overview(
                        AdmissionStore.standings(handle, tenant.id(), plan),
                        OverrideStore.ofTenant(handle, tenant.id()),
                        clock.instant()));
    }

    /**
     * Sets limits, in the place of what the same side had set there; an empty override takes them away.
     *
     * @throws ApiException 404 no such tenant or project
     */
    public void set(Person actor, LimitOverride wanted) {
        if (tenants.find(wanted.tenantId()).isEmpty()) {
            throw Tenants.unknown(wanted.tenantId());
        }
        if (!wanted.projectId().isEmpty()) {
            projects.require(wanted.tenantId(), wanted.projectId());
        }
        db.operator(operator -> {
            OverrideStore.put(operator, wanted);
            audit.append(
                    operator,
                    AuditEntry.by(
                            actor,
                            "limits.set",
                            wanted.tenantId(),
                            wanted.projectId().isEmpty() ? wanted.tenantId() : wanted.projectId(),
                            detail(wanted)));
            return true;
        });
    }

    private static Map<String, Object> detail(LimitOverride o) {
        Map<String, Object> detail = new LinkedHashMap<>();
        detail.put("set_by", o.setBy().name());
        put(detail, "project", o.projectId().isEmpty() ? null : o.projectId());
        put(detail, "requests_per_minute", o.requestsPerMinute());
        put(detail, "tokens_per_minute", o.tokensPerMinute());
        put(detail, "concurrent", o.concurrent());
        put(detail, "tokens_per_day", o.tokensPerDay());
        put(detail, "tokens_per_month", o.tokensPerMonth());
        put(
                detail,
                "budget_per_month",
                o.budgetPerMonth() == null ? null : o.budgetPerMonth().toPlainString());
        put(detail, "soft", o.soft().stream().sorted().map(Quota::text).toList());
        return detail;
    }

    private static void put(Map<String, Object> detail, String name, @Nullable Object value) {
        if (value != null) {
            detail.put(name, value);
        }
    }
}
