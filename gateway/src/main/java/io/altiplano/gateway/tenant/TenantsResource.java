package io.altiplano.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PATCH;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Clock;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/tenants}: register tenants and list them. */
@Path("/admin/v1/tenants")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class TenantsResource {
    private final Tenants tenants;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    TenantsResource(Tenants tenants, CurrentPerson person, Clock clock) {
        this.tenants = tenants;
        this.person = person;
        this.clock = clock;
    }

    /**
     * {@code {id, name, tier, registration_number?, domicile?, principal_place?}}: 201, or 409 where the id is taken. A tenant
     * begins as evaluation, community or partner; the other tiers are moved to.
     */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response create(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Tenant tenant = new Tenant(
                TenantFields.id(fields),
                fields.text("name", 200),
                tier(fields),
                TenantFields.registrationNumber(fields),
                null,
                TenantFields.country(fields, "domicile"),
                TenantFields.country(fields, "principal_place"),
                clock.instant());
        fields.end();
        if (!tenants.create(person.get(), tenant)) {
            throw Tenants.taken(tenant.id());
        }
        return Response.status(Response.Status.CREATED).entity(get(tenant.id())).build();
    }

    /** {@code {name?, registration_number?, domicile?, principal_place?}}: what is given is changed. */
    @PATCH
    @Path("/{id}")
    @RolesAllowed(RealmRole.ADMIN)
    public View update(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Tenants.Particulars to = new Tenants.Particulars(
                fields.optionalText("name", 200),
                TenantFields.registrationNumber(fields),
                TenantFields.country(fields, "domicile"),
                TenantFields.country(fields, "principal_place"));
        fields.end();
        return View.of(tenants.update(person.get(), id, to));
    }

    /** All tenants. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list() {
        return new Page("list", tenants.list().stream().map(View::of).toList(), false);
    }

    /** One tenant, or 404. */
    @GET
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public View get(@PathParam("id") String id) {
        return View.of(tenants.find(id).orElseThrow(() -> Tenants.unknown(id)));
    }

    private static Tier tier(JsonFields fields) {
        return Tier.of(fields.text("tier", 20))
                .filter(Tier.FIRST::contains)
                .orElseThrow(() -> fields.wrong(
                        "tier",
                        "must be evaluation, community or partner for a new tenant; licensed needs Meta's grant and"
                                + " integrated-product two persons, so both are moved to"));
    }

    /**
     * A tenant as the API shows it; its cache salt is not among it.
     *
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
            @JsonProperty("created_at") long createdAt) {
        static View of(Tenant t) {
            return new View(
                    "tenant",
                    t.id(),
                    t.name(),
                    t.tier().text(),
                    t.registrationNumber(),
                    t.registrationConfirmedAt() != null,
                    t.domicile(),
                    t.principalPlace(),
                    t.createdAt().getEpochSecond());
        }
    }

    /** A list of tenants. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
