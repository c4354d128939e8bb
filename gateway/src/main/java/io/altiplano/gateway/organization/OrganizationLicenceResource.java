package io.altiplano.gateway.organization;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.licence.AttestationBody;
import io.altiplano.gateway.licence.AttestationRecord;
import io.altiplano.gateway.licence.Attestations;
import io.altiplano.gateway.licence.Attestations.Outcome;
import io.altiplano.gateway.licence.Attestations.Side;
import io.altiplano.gateway.licence.LicenceRequests;
import io.altiplano.gateway.licence.LicenceRequestsResource;
import io.altiplano.gateway.tenant.Affiliations;
import io.altiplano.gateway.tenant.AffiliationsResource.AffiliatePage;
import io.altiplano.gateway.tenant.AffiliationsResource.AffiliateView;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.TenantFields;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.licensing.LicenceEngine;
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

/**
 * What a tenant itself states for its licences: who its affiliates are, and its monthly active users. Owners state it, members
 * see it. What is doubtful waits for two of the platform's officers.
 */
@Path("/v1/organization")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationLicenceResource {
    private final Attestations attestations;
    private final Affiliations affiliations;
    private final LicenceRequests requests;
    private final LicenceEngine engine;
    private final CurrentMember member;

    @Inject
    OrganizationLicenceResource(
            Attestations attestations,
            Affiliations affiliations,
            LicenceRequests requests,
            LicenceEngine engine,
            CurrentMember member) {
        this.attestations = attestations;
        this.affiliations = affiliations;
        this.requests = requests;
        this.engine = engine;
        this.member = member;
    }

    /** The body of {@link AttestationBody#read}: 201 accepted; 202 where officers must look at it first. */
    @POST
    @Path("/attestations")
    public Response attest(@Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        AttestationRecord.Content content = AttestationBody.read(fields, engine);
        fields.end();
        Outcome outcome = attestations.begin(who.person(), Side.TENANT, who.tenantId(), content, true);
        boolean waits = outcome.attestation().state() == AttestationRecord.State.SUBMITTED;
        return Response.status(waits ? 202 : 201)
                .entity(AttestationBody.View.of(outcome.attestation(), null))
                .build();
    }

    /** All of them, newest first. */
    @GET
    @Path("/attestations")
    public AttestationBody.Page attestations() {
        return AttestationBody.Page.of(
                attestations.list(member.require(Role.VIEWER).tenantId()));
    }

    /** {@code {name, registration_number}}: 201, or 200 where it is declared already. To take one out, ask the platform. */
    @POST
    @Path("/affiliates")
    public Response declare(@Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        String registration = TenantFields.requiredRegistrationNumber(fields);
        fields.end();
        Affiliations.Declared declared = affiliations.declare(who.person(), who.tenantId(), name, registration);
        return Response.status(declared.isNew() ? 201 : 200)
                .entity(AffiliateView.of(declared.affiliate()))
                .build();
    }

    /** All of them, those taken out too. */
    @GET
    @Path("/affiliates")
    public AffiliatePage affiliates() {
        return new AffiliatePage(
                "list",
                affiliations.affiliates(member.require(Role.VIEWER).tenantId()).stream()
                        .map(AffiliateView::of)
                        .toList(),
                false);
    }

    /** Requests for Meta's licence, newest first. */
    @GET
    @Path("/licence_requests")
    public LicenceRequestsResource.Page licenceRequests() {
        return new LicenceRequestsResource.Page(
                "list",
                requests.list(null, member.require(Role.VIEWER).tenantId()).stream()
                        .map(LicenceRequestsResource.View::of)
                        .toList(),
                false);
    }
}
