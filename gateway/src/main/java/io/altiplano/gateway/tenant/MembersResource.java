package io.altiplano.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The members of any tenant, for the operator: who owns a tenant that nobody signed up, or that lost its owner. */
@Path("/admin/v1/tenants/{tenant}/members")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class MembersResource {
    private final Members members;
    private final Tenants tenants;
    private final CurrentPerson person;

    @Inject
    MembersResource(Members members, Tenants tenants, CurrentPerson person) {
        this.members = members;
        this.tenants = tenants;
        this.person = person;
    }

    /** {@code {subject, role, name?}}: 201 a new member; 200 one that was there, with this role now. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response put(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String subject = MemberFields.subject(fields);
        Role role = MemberFields.role(fields);
        @Nullable String name = MemberFields.name(fields);
        fields.end();
        Members.Put put = members.put(person.get(), tenant, subject, role, name);
        return Response.status(put.isNew() ? 201 : 200)
                .entity(View.of(put.member()))
                .build();
    }

    /** All of them, by age. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@PathParam("tenant") String tenant) {
        Tenant known = tenants.find(tenant).orElseThrow(() -> Tenants.unknown(tenant));
        return new Page("list", members.list(known.id()).stream().map(View::of).toList(), false);
    }

    /** Removes one. */
    @DELETE
    @Path("/{subject}")
    @RolesAllowed(RealmRole.ADMIN)
    public Deleted remove(@PathParam("tenant") String tenant, @PathParam("subject") String subject) {
        members.removeByOperator(person.get(), tenant, subject);
        return new Deleted(subject, "tenant.member.deleted", true);
    }

    /** A member as the API shows it. */
    public record View(
            String object,
            String subject,
            @Nullable String name,
            String role,
            @JsonProperty("added_at") long addedAt) {
        static View of(Member m) {
            return new View(
                    "tenant.member",
                    m.subject(),
                    m.name(),
                    m.role().text(),
                    m.createdAt().getEpochSecond());
        }
    }

    /** A list of members. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}

    /** What is said of a member that was removed. */
    public record Deleted(String subject, String object, boolean deleted) {}
}
