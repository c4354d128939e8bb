package io.altiplano.gateway.tenant;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.Licences;
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
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Moves of a tenant between tiers: wished, done, and as they were. */
@Path("/admin/v1/tenants/{tenant}")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class TiersResource {
    private final Tiers tiers;
    private final Tenants tenants;
    private final CurrentPerson person;

    @Inject
    TiersResource(Tiers tiers, Tenants tenants, CurrentPerson person) {
        this.tiers = tiers;
        this.tenants = tenants;
        this.person = person;
    }

    /**
     * {@code {tier, reason, licences?}}: 200 moved; 202 with the proposal that a second person must approve, for
     * integrated-product, which names the licences it is about.
     */
    @POST
    @Path("/tier")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response move(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Tier to = Tier.of(fields.text("tier", 20))
                .filter(tier -> tier != Tier.SUSPENDED)
                .orElseThrow(() ->
                        fields.wrong("tier", "must be one of " + Tier.all() + "; to suspend a tenant use .../suspend"));
        String reason = fields.text("reason", 900);
        List<String> licences = fields.texts("licences", 64);
        fields.end();
        if ((to == Tier.INTEGRATED_PRODUCT) == licences.isEmpty()) {
            throw fields.wrong(
                    "licences", "must name the licences for the tier integrated-product, and is for no other tier");
        }
        for (String licence : licences) {
            if (Licences.META.stream().noneMatch(l -> l.id().equals(licence))) {
                throw fields.wrong("licences", "must be licences that the platform knows, such as llama-3.1");
            }
        }
        Tiers.Outcome outcome = tiers.move(person.get(), tenant, to, licences, reason);
        return answer(tenant, outcome.tier(), outcome.approval());
    }

    /** {@code {reason}}: suspends at once. */
    @POST
    @Path("/suspend")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response suspend(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        String reason = reason(headers, body);
        tiers.suspend(person.get(), tenant, reason);
        return answer(tenant, Tier.SUSPENDED, null);
    }

    /** {@code {reason}}: 202 with the proposal that a second person must approve. */
    @POST
    @Path("/reinstate")
    @RolesAllowed(RealmRole.OFFICER)
    public Response reinstate(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        String reason = reason(headers, body);
        return answer(tenant, Tier.SUSPENDED, tiers.reinstate(person.get(), tenant, reason));
    }

    /** All moves, oldest first. */
    @GET
    @Path("/tier-events")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page events(@PathParam("tenant") String tenant) {
        var known = tenants.find(tenant).orElseThrow(() -> Tenants.unknown(tenant));
        return new Page(
                "list", tiers.history(known.id()).stream().map(Event::of).toList(), false);
    }

    private static String reason(HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 900);
        fields.end();
        return reason;
    }

    private static Response answer(String tenant, Tier tier, @Nullable Approval approval) {
        return Response.status(approval == null ? 200 : 202)
                .entity(new Moved(
                        "tenant.tier",
                        tenant,
                        tier.text(),
                        approval == null ? null : approval.id(),
                        approval == null ? null : approval.contentHash()))
                .build();
    }

    /** Where a tenant stands, and the proposal that waits for a second person, if one does. */
    public record Moved(
            String object,
            String tenant,
            String tier,
            @Nullable String approval,
            @JsonProperty("content_hash") @Nullable String contentHash) {}

    /** One move. */
    public record Event(
            String object,
            @JsonProperty("from_tier") String fromTier,
            @JsonProperty("to_tier") String toTier,
            long at,
            String actor,
            String reason,
            @Nullable String approval) {
        static Event of(TierEvent e) {
            return new Event(
                    "tenant.tier_event",
                    e.fromTier().text(),
                    e.toTier().text(),
                    e.at().getEpochSecond(),
                    e.actorName(),
                    e.reason(),
                    e.approvalId());
        }
    }

    /** A list of moves. */
    public record Page(
            String object,
            List<Event> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
