package io.altiplano.gateway.organization;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.tenant.Member;
import io.altiplano.gateway.tenant.MemberFields;
import io.altiplano.gateway.tenant.Members;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.ListPage;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
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
import org.jspecify.annotations.Nullable;

/** The tenant's members: members see them, owners change them. */
@Path("/v1/organization/users")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationUsersResource {
    private final Members members;
    private final CurrentMember member;

    @Inject
    OrganizationUsersResource(Members members, CurrentMember member) {
        this.members = members;
        this.member = member;
    }

    /** By age. */
    @GET
    public ListPage<View> list(
            @QueryParam("after") @Nullable String after, @QueryParam("limit") @Nullable String limit) {
        String tenant = member.require(Role.VIEWER).tenantId();
        return Cursor.of(after, limit).cut(members.list(tenant), Member::subject, View::of);
    }

    /** {@code {subject, role, name?}}: 201; the person is a member from now on. 409 it is one already. */
    @POST
    public Response invite(@Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String subject = MemberFields.subject(fields);
        Role role = MemberFields.role(fields);
        @Nullable String name = MemberFields.name(fields);
        fields.end();
        Member added = members.add(who.person(), who.tenantId(), subject, role, name);
        return Response.status(Response.Status.CREATED).entity(View.of(added)).build();
    }

    /** One. */
    @GET
    @Path("/{user}")
    public View get(@PathParam("user") String id) {
        String tenant = member.require(Role.VIEWER).tenantId();
        return View.of(members.find(tenant, id).orElseThrow(Members::unknown));
    }

    /** {@code {role}}; 409 for the last owner. */
    @POST
    @Path("/{user}")
    public View modify(@PathParam("user") String id, @Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        Member there = members.find(who.tenantId(), id).orElseThrow(Members::unknown);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Role role = MemberFields.role(fields);
        fields.end();
        return View.of(members.changeRole(who.person(), who.tenantId(), there.subject(), role));
    }

    /** Removes one; 409 for the last owner. */
    @DELETE
    @Path("/{user}")
    public Deleted remove(@PathParam("user") String id) {
        CurrentMember.Member who = member.require(Role.OWNER);
        members.remove(who.person(), who.tenantId(), id);
        return new Deleted("organization.user.deleted", id, true);
    }

    /**
     * A member as OpenAI shows it.
     *
     * @param id the subject of the person's access tokens
     * @param addedAt seconds of the Unix epoch
     */
    public record View(
            String object,
            String id,
            @Nullable String name,
            String role,
            @JsonProperty("added_at") long addedAt) {
        static View of(Member m) {
            return new View(
                    "organization.user",
                    m.subject(),
                    m.name(),
                    m.role().text(),
                    m.createdAt().getEpochSecond());
        }
    }

    /** What is said of a member that was removed. */
    public record Deleted(String object, String id, boolean deleted) {}
}
