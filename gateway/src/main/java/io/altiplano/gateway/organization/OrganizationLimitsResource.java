package io.altiplano.gateway.organization;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.entitlement.Alerts;
import io.altiplano.gateway.entitlement.LimitOverride;
import io.altiplano.gateway.entitlement.LimitViews;
import io.altiplano.gateway.entitlement.Limits;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;

/** The tenant's limits and what is used of them: its members see them, owners set its own below the plan's. */
@Path("/v1/organization/limits")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationLimitsResource {
    private final Limits limits;
    private final Alerts alerts;
    private final CurrentMember member;

    @Inject
    OrganizationLimitsResource(Limits limits, Alerts alerts, CurrentMember member) {
        this.limits = limits;
        this.alerts = alerts;
        this.member = member;
    }

    /** The organization's as a whole, then its projects'. */
    @GET
    public LimitViews.Page list() {
        return LimitViews.Page.of(limits.of(member.require(Role.VIEWER).tenantId()));
    }

    /** The organization's own, all of them; an empty object takes them away. */
    @POST
    public LimitViews.Page set(@Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        limits.set(who.person(), LimitViews.read(fields, who.tenantId(), "", LimitOverride.SetBy.TENANT));
        return LimitViews.Page.of(limits.of(who.tenantId()));
    }

    /** Alerts, newest first. */
    @GET
    @Path("/alerts")
    public LimitViews.AlertPage alerts() {
        return LimitViews.AlertPage.of(alerts.list(member.require(Role.VIEWER).tenantId()));
    }
}
