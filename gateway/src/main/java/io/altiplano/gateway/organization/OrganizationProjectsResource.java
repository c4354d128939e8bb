package io.altiplano.gateway.organization;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.tenant.Project;
import io.altiplano.gateway.tenant.Projects;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.TenantFields;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.ListPage;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The tenant's projects: members see them, owners change them. */
@Path("/v1/organization/projects")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationProjectsResource {
    private final Projects projects;
    private final CurrentMember member;

    @Inject
    OrganizationProjectsResource(Projects projects, CurrentMember member) {
        this.projects = projects;
        this.member = member;
    }

    /** By age; archived ones too with {@code include_archived=true}. */
    @GET
    public ListPage<View> list(
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit,
            @QueryParam("include_archived") @Nullable String includeArchived) {
        String tenant = member.require(Role.VIEWER).tenantId();
        List<Project> all = projects.list(tenant).stream()
                .filter(p -> p.archivedAt() == null || "true".equals(includeArchived))
                .toList();
        return Cursor.of(after, limit).cut(all, Project::id, View::of);
    }

    /** {@code {name, id?}}: 201; without an id it is given one. */
    @POST
    public Response create(@Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        String id = fields.has("id")
                ? TenantFields.id(fields)
                : "proj-" + UUID.randomUUID().toString().replace("-", "");
        fields.end();
        Project made = projects.create(who.person(), who.tenantId(), id, name);
        return Response.status(Response.Status.CREATED).entity(View.of(made)).build();
    }

    /** One, archived or not. */
    @GET
    @Path("/{project}")
    public View get(@PathParam("project") String id) {
        return View.of(projects.require(member.require(Role.VIEWER).tenantId(), id));
    }

    /** {@code {name}}. */
    @POST
    @Path("/{project}")
    public View modify(@PathParam("project") String id, @Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        Project there = projects.require(who.tenantId(), id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        fields.end();
        return View.of(projects.rename(who.person(), who.tenantId(), there.id(), name));
    }

    /** Ends a project: its keys are refused everywhere within a second. */
    @POST
    @Path("/{project}/archive")
    public View archive(@PathParam("project") String id) {
        CurrentMember.Member who = member.require(Role.OWNER);
        return View.of(projects.archive(who.person(), who.tenantId(), id));
    }

    /**
     * A project as OpenAI shows it.
     *
     * @param createdAt seconds of the Unix epoch, as archivedAt is
     * @param status "active" or "archived"
     */
    public record View(
            String object,
            String id,
            String name,
            @JsonProperty("created_at") long createdAt,
            @JsonProperty("archived_at") @Nullable Long archivedAt,
            String status) {
        static View of(Project p) {
            return new View(
                    "organization.project",
                    p.id(),
                    p.name(),
                    p.createdAt().getEpochSecond(),
                    p.archivedAt() == null ? null : p.archivedAt().getEpochSecond(),
                    p.archivedAt() == null ? "active" : "archived");
        }
    }
}
