package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;

/** A tenant's limits and alerts, seen and set by the platform. */
@Path("/admin/v1/tenants/{tenant}")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class LimitsAdminResource {
    private final Limits limits;
    private final Alerts alerts;
    private final CurrentPerson person;

    @Inject
    LimitsAdminResource(Limits limits, Alerts alerts, CurrentPerson person) {
        this.limits = limits;
        this.alerts = alerts;
        this.person = person;
    }

    /** The tenant's as a whole, then its projects'. */
    @GET
    @Path("/limits")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR})
    public LimitViews.Page get(@PathParam("tenant") String tenant) {
        Tenants.requireId(tenant);
        return LimitViews.Page.of(limits.of(tenant));
    }

    /** What takes the plan's place for the tenant as a whole, all of it; an empty object gives the plan back. */
    @PUT
    @Path("/limits")
    @RolesAllowed(RealmRole.ADMIN)
    public LimitViews.Page set(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        return set(tenant, "", headers, body);
    }

    /** Limits of one project, all of them. */
    @PUT
    @Path("/projects/{project}/limits")
    @RolesAllowed(RealmRole.ADMIN)
    public LimitViews.Page setProject(
            @PathParam("tenant") String tenant,
            @PathParam("project") String project,
            @Context HttpHeaders headers,
            InputStream body) {
        return set(tenant, project, headers, body);
    }

    /** The tenant's alerts, newest first. */
    @GET
    @Path("/limit-alerts")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR})
    public LimitViews.AlertPage alerts(@PathParam("tenant") String tenant) {
        Tenants.requireId(tenant);
        return LimitViews.AlertPage.of(alerts.list(tenant));
    }

    private LimitViews.Page set(String tenant, String project, HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        limits.set(person.get(), LimitViews.read(fields, tenant, project, LimitOverride.SetBy.PLATFORM));
        return LimitViews.Page.of(limits.of(tenant));
    }
}
