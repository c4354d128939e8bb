package io.altiplano.gateway.tenant;

import io.altiplano.gateway.tenant.AffiliationsResource.AffiliateView;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;

/** An officer's confirmation of what a tenant states of legal entities. */
@Path("/admin/v1/tenants/{tenant}")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class RegistrationsResource {
    private final Registrations registrations;
    private final CurrentPerson person;

    @Inject
    RegistrationsResource(Registrations registrations, CurrentPerson person) {
        this.registrations = registrations;
        this.person = person;
    }

    /** {@code {registration_number, evidence}}: the number that was checked, and what was looked at. */
    @POST
    @Path("/registration/confirm")
    @RolesAllowed(RealmRole.OFFICER)
    public TenantsResource.View confirm(
            @PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Checked checked = checked(tenant, headers, body);
        return TenantsResource.View.of(
                registrations.confirm(person.get(), tenant, checked.number(), checked.evidence()));
    }

    /** {@code {registration_number, evidence}}: the number that was checked, and what was looked at. */
    @POST
    @Path("/affiliates/{id}/confirm")
    @RolesAllowed(RealmRole.OFFICER)
    public AffiliateView confirmAffiliate(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Checked checked = checked(tenant, headers, body);
        return AffiliateView.of(
                registrations.confirmAffiliate(person.get(), tenant, id, checked.number(), checked.evidence()));
    }

    private record Checked(String number, String evidence) {}

    private static Checked checked(String tenant, HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String number = TenantFields.requiredRegistrationNumber(fields);
        String evidence = fields.text("evidence", 500);
        fields.end();
        return new Checked(number, evidence);
    }
}
