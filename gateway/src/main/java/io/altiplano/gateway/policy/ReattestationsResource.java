package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.ListPage;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/reattestations}: which attestations the platform wants repeated, soon or by now. */
@Path("/admin/v1/reattestations")
@Produces(MediaType.APPLICATION_JSON)
@RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
@RunOnVirtualThread
public class ReattestationsResource {
    private final Reattestations reattestations;

    @Inject
    ReattestationsResource(Reattestations reattestations) {
        this.reattestations = reattestations;
    }

    /** The longest due first; {@code ?state=} due, overdue or refused; {@code ?after=} an attestation's id, {@code ?limit=}. */
    @GET
    public ListPage<View> list(
            @QueryParam("state") @Nullable String state,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        Reattestations.State wanted =
                state == null ? null : Choices.require(Reattestations.State.class, "state", state);
        return Cursor.of(after, limit)
                .cut(reattestations.list(wanted), Reattestations.Standing::attestationId, this::view);
    }

    private View view(Reattestations.Standing s) {
        Instant refused = s.reattestation().refusedFrom();
        return new View(
                "reattestation",
                s.attestationId(),
                s.tenantId(),
                s.reattestation().licence(),
                Choices.text(reattestations.stateOf(s)),
                s.acceptedAt().getEpochSecond(),
                s.reattestation().due().getEpochSecond(),
                refused == null ? null : refused.getEpochSecond(),
                s.review(),
                s.reattestation().text());
    }

    /**
     * An attestation that is due again.
     *
     * @param id the attestation's
     * @param review id of the review that it opened, or null
     */
    public record View(
            String object,
            String id,
            String tenant,
            String licence,
            String state,
            @JsonProperty("accepted_at") long acceptedAt,
            @JsonProperty("reattestation_due") long reattestationDue,
            @JsonProperty("refused_from") @Nullable Long refusedFrom,
            @Nullable String review,
            String message) {}
}
