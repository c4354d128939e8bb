package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.policy.AbuseReport.Outcome;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
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

/** {@code /admin/v1/abuse-reports}: what was reported, and what officers make of it. */
@Path("/admin/v1/abuse-reports")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class AbuseReportsAdminResource {
    private static final String PREFIX = "abr_";

    private final AbuseReports reports;
    private final CurrentPerson person;

    @Inject
    AbuseReportsAdminResource(AbuseReports reports, CurrentPerson person) {
        this.reports = reports;
        this.person = person;
    }

    /**
     * Newest first; {@code ?state=} open or resolved, {@code ?subject_kind=}, {@code ?subject_id=}, {@code ?category=},
     * {@code ?assignee=} an officer's subject; after, limit.
     */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public ListPage<View> list(
            @QueryParam("state") @Nullable String state,
            @QueryParam("subject_kind") @Nullable String kind,
            @QueryParam("subject_id") @Nullable String subject,
            @QueryParam("category") @Nullable String category,
            @QueryParam("assignee") @Nullable String assignee,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        Ids.requireOptional(PREFIX, after);
        requireText("subject_id", subject);
        requireText("assignee", assignee);
        Cursor cursor = Cursor.of(after, limit);
        AbuseReportStore.Filter filter = new AbuseReportStore.Filter(
                state == null ? null : Choices.require(AbuseReport.State.class, "state", state),
                kind == null ? null : Choices.require(AbuseReport.SubjectKind.class, "subject_kind", kind),
                subject,
                category == null ? null : Choices.require(AbuseCategory.class, "category", category),
                assignee);
        return cursor.page(reports.list(filter, cursor), AbuseReport::id, r -> View.of(r, null));
    }

    /** One with its history. */
    @GET
    @Path("/{id}")
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public View get(@PathParam("id") String id) {
        return View.of(reports.get(Ids.known(PREFIX, id)));
    }

    /** {@code {assignee?}}, an officer's subject: the caller's own where it is absent. */
    @POST
    @Path("/{id}/assign")
    @RolesAllowed(RealmRole.OFFICER)
    public View assign(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String assignee = fields.optionalText("assignee", 255);
        fields.end();
        CurrentPerson.Person officer = person.get();
        return View.of(reports.assign(officer, Ids.known(PREFIX, id), assignee == null ? officer.subject() : assignee));
    }

    /** {@code {text}}, to 4000 characters. */
    @POST
    @Path("/{id}/notes")
    @RolesAllowed(RealmRole.OFFICER)
    public View annotate(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String text = fields.prose("text", 4000);
        fields.end();
        return View.of(reports.annotate(person.get(), Ids.known(PREFIX, id), text));
    }

    /**
     * {@code {outcome, reason, tenant?}}, an outcome of no_action, warned, suspended, model_withdrawn: 200, done as well as noted.
     * {@code tenant} says who is meant where the report does not.
     */
    @POST
    @Path("/{id}/resolve")
    @RolesAllowed(RealmRole.OFFICER)
    public View resolve(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Outcome outcome = Choices.require(Outcome.class, "outcome", fields.text("outcome", 20));
        String reason = fields.text("reason", 900);
        String tenant = fields.optionalText("tenant", 63);
        fields.end();
        if (tenant != null) {
            if (outcome != Outcome.WARNED && outcome != Outcome.SUSPENDED) {
                throw fields.wrong("tenant", "is for the outcomes warned and suspended alone");
            }
            Tenants.requireId(tenant);
        }
        return View.of(reports.resolve(person.get(), Ids.known(PREFIX, id), outcome, tenant, reason));
    }

    private static void requireText(String name, @Nullable String given) {
        if (given != null && (given.isEmpty() || given.length() > 255 || given.indexOf('\0') >= 0)) {
            throw new ApiException(
                    ApiError.invalidRequest(name, "invalid_value", name + " must have 1 to 255 characters."));
        }
    }

    /**
     * A report as officers see it.
     *
     * @param matchedTenant the tenant that is named or owns the named model, if that is one
     * @param history null in lists
     */
    public record View(
            String object,
            String id,
            @JsonProperty("subject_kind") String subjectKind,
            @JsonProperty("subject_id") String subjectId,
            @JsonProperty("subject_known") boolean subjectKnown,
            @JsonProperty("matched_tenant") @Nullable String matchedTenant,
            String category,
            String description,
            @Nullable String contact,
            @JsonProperty("reporter_tenant") @Nullable String reporterTenant,
            @JsonProperty("received_at") long receivedAt,
            String state,
            @Nullable String assignee,
            @Nullable String outcome,
            @Nullable String tenant,
            @JsonProperty("resolved_at") @Nullable Long resolvedAt,
            @JsonProperty("resolved_by") @Nullable String resolvedBy,
            @Nullable String reason,
            @Nullable List<Event.View> history) {
        static View of(AbuseReports.Told told) {
            return of(told.report(), told.history().stream().map(Event.View::of).toList());
        }

        static View of(AbuseReport r, @Nullable List<Event.View> history) {
            return new View(
                    "abuse_report",
                    r.id(),
                    Choices.text(r.subjectKind()),
                    r.subjectId(),
                    r.subjectKnown(),
                    r.matchedTenant(),
                    Choices.text(r.category()),
                    r.description(),
                    r.contact(),
                    r.reporterTenant(),
                    r.receivedAt().getEpochSecond(),
                    Choices.text(r.state()),
                    r.assignee(),
                    r.outcome() == null ? null : Choices.text(r.outcome()),
                    r.tenantId(),
                    r.resolvedAt() == null ? null : r.resolvedAt().getEpochSecond(),
                    r.resolvedByName(),
                    r.reason(),
                    history);
        }
    }
}
