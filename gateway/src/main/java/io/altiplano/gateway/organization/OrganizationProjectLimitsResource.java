package io.altiplano.gateway.organization;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.entitlement.LimitOverride;
import io.altiplano.gateway.entitlement.LimitViews;
import io.altiplano.gateway.entitlement.Limits;
import io.altiplano.gateway.tenant.Project;
import io.altiplano.gateway.tenant.Projects;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;

/** The limits that a tenant's owners set for one of its projects: its budget above all. */
@Path("/v1/organization/projects/{project}/limits")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationProjectLimitsResource {
    private final Limits limits;
    private final Projects projects;
    private final CurrentMember member;

    @Inject
    OrganizationProjectLimitsResource(Limits limits, Projects projects, CurrentMember member) {
        this.limits = limits;
        this.projects = projects;
        this.member = member;
    }

    /** The project's own, all of them; an empty object takes them away. */
    @POST
    public LimitViews.Page set(@PathParam("project") String id, @Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        Project project = projects.require(who.tenantId(), id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        limits.set(who.person(), LimitViews.read(fields, who.tenantId(), project.id(), LimitOverride.SetBy.TENANT));
        return LimitViews.Page.of(limits.of(who.tenantId()));
    }
}
