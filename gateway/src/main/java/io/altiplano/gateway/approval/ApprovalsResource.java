package io.altiplano.gateway.approval;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/approvals}: what waits for a second person, and what was decided. */
@Path("/admin/v1/approvals")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class ApprovalsResource {
    private static final int MOST = 500;
    private static final Pattern ID = Pattern.compile("apr_[0-9a-f]{32}");
    private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

    private final Approvals approvals;
    private final CurrentPerson person;

    @Inject
    ApprovalsResource(Approvals approvals, CurrentPerson person) {
        this.approvals = approvals;
        this.person = person;
    }

    /** Proposals, oldest first; {@code ?state=} open (the default), approved, rejected, voided or all; {@code ?tenant=}. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@QueryParam("state") @Nullable String state, @QueryParam("tenant") @Nullable String tenant) {
        List<Approval> found = approvals.list(state(state), tenant, MOST + 1);
        return new Page("list", found.stream().limit(MOST).map(View::of).toList(), found.size() > MOST);
    }

    /** One proposal. */
    @GET
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public View get(@PathParam("id") String id) {
        requireId(id);
        return View.of(approvals.find(id).orElseThrow(() -> Approvals.unknown(id)));
    }

    /** {@code {content_hash}}: agrees as a second person to the content that was read. */
    @POST
    @Path("/{id}/approve")
    @RolesAllowed(RealmRole.OFFICER)
    public View approve(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        requireId(id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String hash = fields.text("content_hash", 64);
        fields.end();
        if (!HASH.matcher(hash).matches()) {
            throw fields.wrong("content_hash", "must be the content_hash of the proposal that you read, 64 hex digits");
        }
        return View.of(approvals.approve(person.get(), id, hash));
    }

    /** {@code {reason}}: refuses the proposal. */
    @POST
    @Path("/{id}/reject")
    @RolesAllowed(RealmRole.OFFICER)
    public View reject(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        requireId(id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 1000);
        fields.end();
        return View.of(approvals.reject(person.get(), id, reason));
    }

    private static void requireId(String id) {
        if (!ID.matcher(id).matches()) {
            throw Approvals.unknown(id);
        }
    }

    private static Approval.@Nullable State state(@Nullable String given) {
        String wanted = given == null ? "OPEN" : given.toUpperCase(Locale.ROOT);
        if (wanted.equals("ALL")) {
            return null;
        }
        return Arrays.stream(Approval.State.values())
                .filter(s -> s.name().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new ApiException(ApiError.invalidRequest(
                        "state", "invalid_value", "state must be one of open, approved, rejected, voided, all.")));
    }

    /**
     * A proposal as the API shows it.
     *
     * @param proposedAt seconds of the Unix epoch
     */
    public record View(
            String object,
            String id,
            String tenant,
            String kind,
            String record,
            String summary,
            @JsonProperty("content_hash") String contentHash,
            String state,
            @JsonProperty("proposed_by") String proposedBy,
            @JsonProperty("proposed_at") long proposedAt,
            @JsonProperty("closed_by") @Nullable String closedBy,
            @JsonProperty("closed_at") @Nullable Long closedAt,
            @Nullable String reason) {
        static View of(Approval a) {
            Instant closed = a.closedAt();
            return new View(
                    "approval",
                    a.id(),
                    a.tenantId(),
                    a.kind().toLowerCase(Locale.ROOT),
                    a.subjectId(),
                    a.summary(),
                    a.contentHash(),
                    a.state().name().toLowerCase(Locale.ROOT),
                    a.proposedByName(),
                    a.proposedAt().getEpochSecond(),
                    a.closedByName(),
                    closed == null ? null : closed.getEpochSecond(),
                    a.reason());
        }
    }

    /** A list of proposals. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
