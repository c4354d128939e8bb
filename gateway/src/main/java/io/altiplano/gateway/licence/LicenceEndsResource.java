package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.approval.Approval;
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
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How licences ended for a tenant: claims that it filed (clause 5.c), and terminations (clause 6). */
@Path("/admin/v1/tenants/{tenant}")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class LicenceEndsResource {
    private final LicenceEnds ends;
    private final LicenceEngine engine;
    private final CurrentPerson person;

    @Inject
    LicenceEndsResource(LicenceEnds ends, LicenceEngine engine, CurrentPerson person) {
        this.ends = ends;
        this.engine = engine;
        this.person = person;
    }

    /** {@code {licence, filed_on, reference}}: 201. The licence is ended from that day on. */
    @POST
    @Path("/litigations")
    @RolesAllowed(RealmRole.OFFICER)
    public Response claim(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String licence = AttestationBody.licence(fields, engine).id();
        LocalDate filedOn = day(fields);
        String reference = fields.text("reference", 200);
        fields.end();
        return Response.status(Response.Status.CREATED)
                .entity(ClaimView.of(ends.claim(person.get(), tenant, licence, filedOn, reference)))
                .build();
    }

    /** {@code {licence, cause}}: 201. The licence is ended from now on. */
    @POST
    @Path("/terminations")
    @RolesAllowed(RealmRole.OFFICER)
    public Response terminate(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String licence = AttestationBody.licence(fields, engine).id();
        String cause = fields.text("cause", 900);
        fields.end();
        return Response.status(Response.Status.CREATED)
                .entity(EndedView.of(ends.terminate(person.get(), tenant, licence, cause)))
                .build();
    }

    /** {@code {reason}}: 202 with the proposal that a second person must approve. */
    @POST
    @Path("/terminations/{id}/reinstate")
    @RolesAllowed(RealmRole.OFFICER)
    public Response reinstate(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 700);
        fields.end();
        Approval approval = ends.reinstate(person.get(), tenant, id, reason);
        return Response.status(Response.Status.ACCEPTED)
                .entity(new Proposed("termination.reinstatement", id, approval.id(), approval.contentHash()))
                .build();
    }

    /** Claims and terminations of a tenant, oldest first. */
    @GET
    @Path("/licence-ends")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Ends list(@PathParam("tenant") String tenant) {
        LicenceEnds.All all = ends.list(tenant);
        return new Ends(
                "licence_ends",
                all.claims().stream().map(ClaimView::of).toList(),
                all.ended().stream().map(EndedView::of).toList());
    }

    private static LocalDate day(JsonFields fields) {
        String text = fields.text("filed_on", 10);
        try {
            LocalDate day = LocalDate.parse(text);
            if (day.getYear() < 2023 || day.getYear() > 9999) {
                throw fields.wrong("filed_on", "must be a day from 2023 on");
            }
            return day;
        } catch (DateTimeException e) {
            throw fields.wrong("filed_on", "must be a day such as 2026-01-31");
        }
    }

    /** A claim as the API shows it. */
    public record ClaimView(
            String object,
            String id,
            String licence,
            @JsonProperty("filed_on") String filedOn,
            String reference) {
        static ClaimView of(LicenceEnds.Claim c) {
            return new ClaimView("litigation", c.id(), c.licence(), c.filedOn().toString(), c.reference());
        }
    }

    /** A termination as the API shows it. */
    public record EndedView(
            String object,
            String id,
            String licence,
            @JsonProperty("ended_at") long endedAt,
            String cause,
            @JsonProperty("reinstated_at") @Nullable Long reinstatedAt) {
        static EndedView of(LicenceEnds.Ended e) {
            return new EndedView(
                    "termination",
                    e.id(),
                    e.licence(),
                    e.endedAt().getEpochSecond(),
                    e.cause(),
                    e.reinstatedAt() == null ? null : e.reinstatedAt().getEpochSecond());
        }
    }

    /** Both. */
    public record Ends(String object, List<ClaimView> litigations, List<EndedView> terminations) {}

    /** What waits for a second person. */
    public record Proposed(
            String object,
            String id,
            String approval,
            @JsonProperty("content_hash") String contentHash) {}
}
