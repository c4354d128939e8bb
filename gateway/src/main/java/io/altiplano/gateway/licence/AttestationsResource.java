package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.Attestation;
import io.altiplano.licensing.Figure;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.LicenceVersion;
import io.quarkus.security.identity.SecurityIdentity;
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
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Clock;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** What a tenant's group states about its monthly active users for a licence version. */
@Path("/admin/v1/tenants/{tenant}/attestations")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class AttestationsResource {
    private final LicenceFacts facts;
    private final LicenceEngine engine;
    private final SecurityIdentity identity;
    private final Clock clock;

    @Inject
    AttestationsResource(LicenceFacts facts, LicenceEngine engine, SecurityIdentity identity, Clock clock) {
        this.facts = facts;
        this.engine = engine;
        this.identity = identity;
        this.clock = clock;
    }

    /**
     * {@code {licence, products: [{name, monthly_active_users, month}], affiliates: [{name, monthly_active_users}], signed_by}}:
     * 201. Every product and affiliate is its own line; the month must be the licence's own. The signatory thereby accepts
     * the licence with its acceptable use policy for the tenant.
     */
    @POST
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response attest(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        LicenceVersion licence = licence(fields);
        YearMonth month = licence.measuredMonth()
                .orElseThrow(
                        () -> fields.wrong("licence", "measures no monthly active users: none are to be attested"));
        List<Figure> figures = new ArrayList<>();
        for (JsonFields product : fields.objects("products")) {
            figures.add(Figure.product(product.text("name", 200), product.count("monthly_active_users")));
            requireMonth(product, month, licence);
            product.end();
        }
        for (JsonFields affiliate : fields.objects("affiliates")) {
            figures.add(Figure.affiliate(affiliate.text("name", 200), affiliate.count("monthly_active_users")));
            affiliate.end();
        }
        String signedBy = fields.text("signed_by", 200);
        fields.end();
        if (figures.isEmpty()) {
            throw fields.wrong("products", "must name every product, one at least, with 0 users if it had none");
        }
        String id = "att_" + UUID.randomUUID().toString().replace("-", "");
        Attestation attestation = new Attestation(tenant, licence.id(), month, figures, signedBy, clock.instant());
        facts.attest(identity.getPrincipal().getName(), id, attestation);
        return Response.status(Response.Status.CREATED)
                .entity(new View(
                        "attestation",
                        id,
                        tenant,
                        licence.id(),
                        month.toString(),
                        attestation.monthlyActiveUsers(),
                        signedBy))
                .build();
    }

    private LicenceVersion licence(JsonFields fields) {
        return engine.licence(fields.text("licence", 100))
                .orElseThrow(
                        () -> fields.wrong("licence", "must be a licence that the platform knows, such as llama-3.1"));
    }

    private static void requireMonth(JsonFields product, YearMonth month, LicenceVersion licence) {
        if (!product.text("month", 7).equals(month.toString())) {
            throw product.wrong(
                    "month",
                    "must be " + month + ", the calendar month before the release of " + licence.id()
                            + ": the licence asks for no other");
        }
    }

    /** An attestation as the API shows it: its sum and not its lines. */
    public record View(
            String object,
            String id,
            String tenant,
            String licence,
            String month,
            @JsonProperty("monthly_active_users") long monthlyActiveUsers,
            @JsonProperty("signed_by") String signedBy) {}
}
