package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.ListPage;
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
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/policy-reviews}: what officers should look at. They open by themselves, and decide nothing. */
@Path("/admin/v1/policy-reviews")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class ReviewsResource {
    private final Reviews reviews;
    private final CurrentPerson person;

    @Inject
    ReviewsResource(Reviews reviews, CurrentPerson person) {
        this.reviews = reviews;
        this.person = person;
    }

    /** Newest first; {@code ?state=} open or closed, {@code ?kind=} reattestation or end_users, {@code ?tenant=}; after, limit. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public ListPage<View> list(
            @QueryParam("state") @Nullable String state,
            @QueryParam("kind") @Nullable String kind,
            @QueryParam("tenant") @Nullable String tenant,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        if (tenant != null) {
            Tenants.requireId(tenant);
        }
        Ids.requireOptional("rev_", after);
        Cursor cursor = Cursor.of(after, limit);
        ReviewStore.Filter filter = new ReviewStore.Filter(
                state == null ? null : Choices.require(Review.State.class, "state", state),
                kind == null ? null : Choices.require(Review.Kind.class, "kind", kind),
                tenant);
        return cursor.page(reviews.list(filter, cursor), Review::id, r -> view(r, null));
    }

    /** One with its history. */
    @GET
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public View get(@PathParam("id") String id) {
        return view(reviews.get(Ids.known("rev_", id)));
    }

    /** {@code {text}}, to 4000 characters. */
    @POST
    @Path("/{id}/comments")
    @RolesAllowed(RealmRole.OFFICER)
    public View comment(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String text = fields.prose("text", 4000);
        fields.end();
        return view(reviews.comment(person.get(), Ids.known("rev_", id), text));
    }

    /** {@code {reason}}: 200, or 409 where it is closed. */
    @POST
    @Path("/{id}/close")
    @RolesAllowed(RealmRole.OFFICER)
    public View close(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 900);
        fields.end();
        return view(reviews.close(person.get(), Ids.known("rev_", id), reason));
    }

    private View view(Reviews.Told told) {
        return view(told.review(), told.history().stream().map(Event.View::of).toList());
    }

    private View view(Review r, @Nullable List<Event.View> history) {
        return new View(
                "policy_review",
                r.id(),
                r.tenantId(),
                Choices.text(r.kind()),
                r.subject(),
                r.licence(),
                Choices.text(r.state()),
                reviews.facts(r),
                r.openedAt().getEpochSecond(),
                r.closedAt() == null ? null : r.closedAt().getEpochSecond(),
                r.closedByName(),
                r.reason(),
                history);
    }

    /**
     * A review as the API shows it.
     *
     * @param facts the numbers that opened it
     * @param history null in lists
     */
    public record View(
            String object,
            String id,
            String tenant,
            String kind,
            String subject,
            @Nullable String licence,
            String state,
            JsonNode facts,
            @JsonProperty("opened_at") long openedAt,
            @JsonProperty("closed_at") @Nullable Long closedAt,
            @JsonProperty("closed_by") @Nullable String closedBy,
            @Nullable String reason,
            @Nullable List<Event.View> history) {}
}
