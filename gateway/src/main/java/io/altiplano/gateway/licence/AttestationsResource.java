package io.altiplano.gateway.licence;

import io.altiplano.gateway.licence.AttestationRecord.Content;
import io.altiplano.gateway.licence.Attestations.Outcome;
import io.altiplano.gateway.licence.Attestations.Side;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.LicenceEngine;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;

/** What a tenant states about its monthly active users for a licence version. */
@Path("/admin/v1/tenants/{tenant}/attestations")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class AttestationsResource {
    private final Attestations attestations;
    private final LicenceEngine engine;
    private final CurrentPerson person;

    @Inject
    AttestationsResource(Attestations attestations, LicenceEngine engine, CurrentPerson person) {
        this.attestations = attestations;
        this.engine = engine;
        this.person = person;
    }

    /**
     * The body of {@link AttestationBody#read} and {@code submit} (true where absent): 201 accepted or a draft; 202 submitted,
     * with the proposal that a second person must approve. The signatory thereby accepts the licence with its acceptable use
     * policy for the tenant.
     */
    @POST
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response begin(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Content content = AttestationBody.read(fields, engine);
        boolean submit = !Boolean.FALSE.equals(fields.optionalFlag("submit"));
        fields.end();
        return answer(201, attestations.begin(person.get(), Side.OPERATOR, tenant, content, submit));
    }

    /** All of them, newest first: the history of corrections. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public AttestationBody.Page list(@PathParam("tenant") String tenant) {
        return AttestationBody.Page.of(attestations.list(tenant));
    }

    /** One of them. */
    @GET
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public AttestationBody.View get(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        return AttestationBody.View.of(attestations.get(tenant, id), null);
    }

    /** Writes a draft anew, or a submitted one, which is a draft then and voids what was proposed. */
    @PUT
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response edit(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Content content = AttestationBody.read(fields, engine);
        fields.end();
        return answer(200, attestations.edit(person.get(), tenant, id, content));
    }

    /** Submits a draft: 200 accepted, 202 waiting for a second person. */
    @POST
    @Path("/{id}/submit")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response submit(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        Tenants.requireId(tenant);
        return answer(200, attestations.submit(person.get(), Side.OPERATOR, tenant, id));
    }

    /** Proposes what a tenant submitted: the first of two officers. 202. */
    @POST
    @Path("/{id}/propose")
    @RolesAllowed(RealmRole.OFFICER)
    public Response propose(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        Tenants.requireId(tenant);
        return answer(200, attestations.endorse(person.get(), tenant, id));
    }

    /** {@code {reason}}: refuses a submitted one. */
    @POST
    @Path("/{id}/reject")
    @RolesAllowed(RealmRole.OFFICER)
    public Response reject(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 900);
        fields.end();
        return answer(200, attestations.reject(person.get(), tenant, id, reason));
    }

    private static Response answer(int done, Outcome outcome) {
        boolean waits = outcome.attestation().state() == AttestationRecord.State.SUBMITTED;
        return Response.status(waits ? 202 : done)
                .entity(AttestationBody.View.of(outcome.attestation(), outcome.approval()))
                .build();
    }
}
