package io.altiplano.gateway.licence;

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
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/licence-requests}: who must ask Meta for a licence. They open by themselves. */
@Path("/admin/v1/licence-requests")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class LicenceRequestsResource {
    private final LicenceRequests requests;
    private final CurrentPerson person;

    @Inject
    LicenceRequestsResource(LicenceRequests requests, CurrentPerson person) {
        this.requests = requests;
        this.person = person;
    }

    /** {@code ?state=open&tenant=ID}, newest first. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@QueryParam("state") @Nullable String state, @QueryParam("tenant") @Nullable String tenant) {
        return new Page(
                "list",
                requests.list(state(state), tenant).stream().map(View::of).toList(),
                false);
    }

    /** {@code {reason}}: notes that Meta refused. */
    @POST
    @Path("/{id}/refuse")
    @RolesAllowed(RealmRole.OFFICER)
    public View refuse(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 900);
        fields.end();
        return View.of(requests.refuse(person.get(), id, reason));
    }

    private static LicenceRequest.@Nullable State state(@Nullable String text) {
        if (text == null) {
            return null;
        }
        return Arrays.stream(LicenceRequest.State.values())
                .filter(s -> s.name().equals(text.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new ApiException(ApiError.invalidRequest(
                        "state", "invalid_value", "state must be one of open, granted, refused, closed.")));
    }

    /** A request as the API shows it. */
    public record View(
            String object,
            String id,
            String tenant,
            String licence,
            @JsonProperty("monthly_active_users") long monthlyActiveUsers,
            String state,
            @JsonProperty("opened_at") long openedAt,
            @JsonProperty("closed_at") @Nullable Long closedAt,
            @Nullable String reason) {
        /** Shows one. */
        public static View of(LicenceRequest r) {
            return new View(
                    "licence_request",
                    r.id(),
                    r.tenantId(),
                    r.licence(),
                    r.monthlyActiveUsers(),
                    r.state().name().toLowerCase(Locale.ROOT),
                    r.openedAt().getEpochSecond(),
                    r.closedAt() == null ? null : r.closedAt().getEpochSecond(),
                    r.reason());
        }
    }

    /** A list of requests. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
