package io.altiplano.gateway.organization;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenant;
import io.altiplano.gateway.tenant.TenantFields;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.CurrentPerson;
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
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Clock;
import org.jspecify.annotations.Nullable;

/** The tenant itself: signed up for by anyone who can sign in, and shown to its members. */
@Path("/v1/organization")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationResource {
    /** In which whoever signs up begins. */
    private static final Tier FIRST_TIER = Tier.EVALUATION;

    private final Tenants tenants;
    private final CurrentMember member;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    OrganizationResource(Tenants tenants, CurrentMember member, CurrentPerson person, Clock clock) {
        this.tenants = tenants;
        this.member = member;
        this.person = person;
        this.clock = clock;
    }

    /** {@code {id, name, registration_number?, domicile?, principal_place?}}: 201 with the caller as owner; 409 the id is taken. */
    @POST
    public Response signUp(@Context HttpHeaders headers, InputStream body) {
        CurrentPerson.Person who = person.get();
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Tenant tenant = new Tenant(
                TenantFields.id(fields),
                fields.text("name", 200),
                FIRST_TIER,
                TenantFields.registrationNumber(fields),
                null,
                TenantFields.country(fields, "domicile"),
                TenantFields.country(fields, "principal_place"),
                clock.instant());
        fields.end();
        tenants.signUp(who, tenant);
        return Response.status(Response.Status.CREATED)
                .entity(View.of(tenant, Role.OWNER))
                .build();
    }

    /** The member's tenant. */
    @GET
    public View get() {
        CurrentMember.Member who = member.require(Role.VIEWER);
        Tenant tenant = tenants.find(who.tenantId()).orElseThrow(() -> Tenants.unknown(who.tenantId()));
        return View.of(tenant, who.role());
    }

    /**
     * A tenant as its members see it.
     *
     * @param role of the asking member
     * @param registrationConfirmed whether somebody of the platform has checked the number
     * @param createdAt seconds of the Unix epoch
     */
    public record View(
            String object,
            String id,
            String name,
            String tier,
            @JsonProperty("registration_number") @Nullable String registrationNumber,
            @JsonProperty("registration_confirmed") boolean registrationConfirmed,
            @Nullable String domicile,
            @JsonProperty("principal_place") @Nullable String principalPlace,
            @JsonProperty("created_at") long createdAt,
            String role) {
        static View of(Tenant t, Role role) {
            return new View(
                    "organization",
                    t.id(),
                    t.name(),
                    t.tier().text(),
                    t.registrationNumber(),
                    t.registrationConfirmedAt() != null,
                    t.domicile(),
                    t.principalPlace(),
                    t.createdAt().getEpochSecond(),
                    role.text());
        }
    }
}
