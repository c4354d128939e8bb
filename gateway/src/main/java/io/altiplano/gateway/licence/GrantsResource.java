package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.approval.Approval;
import io.altiplano.gateway.licence.GrantRecord.Content;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.Use;
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
import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Meta's express grants, as officers record them on evidence. The platform never grants: this notes a document, and its hash. */
@Path("/admin/v1/tenants/{tenant}/licence-grants")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class GrantsResource {
    private static final Pattern COUNTRY = Pattern.compile("[A-Z]{2}");

    private final Grants grants;
    private final LicenceEngine engine;
    private final CurrentPerson person;

    @Inject
    GrantsResource(Grants grants, LicenceEngine engine, CurrentPerson person) {
        this.grants = grants;
        this.engine = engine;
        this.person = person;
    }

    /**
     * {@code {licences, document, document_id, date, last_day?, uses?, territory?}}: 202 with the proposal that a second person
     * must approve. Uses are infer, derive and publish where absent; territory is worldwide where absent.
     */
    @POST
    @RolesAllowed(RealmRole.OFFICER)
    public Response record(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        return waiting(grants.record(person.get(), tenant, content(headers, body)));
    }

    /** Writes one anew that nobody has decided about: 202 with a new proposal; the old one is void. */
    @PUT
    @Path("/{id}")
    @RolesAllowed(RealmRole.OFFICER)
    public Response edit(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        return waiting(grants.edit(person.get(), tenant, id, content(headers, body)));
    }

    /** All of them, ended ones too. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@PathParam("tenant") String tenant) {
        return new Page(
                "list", grants.list(tenant).stream().map(g -> View.of(g, null)).toList(), false);
    }

    /** {@code {reason}}: notes that Meta took a grant back. What it permitted is refused within a second. */
    @POST
    @Path("/{id}/revoke")
    @RolesAllowed(RealmRole.OFFICER)
    public View revoke(
            @PathParam("tenant") String tenant,
            @PathParam("id") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String reason = fields.text("reason", 900);
        fields.end();
        return View.of(grants.revoke(person.get(), tenant, id, reason), null);
    }

    private Content content(HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        SortedSet<String> licences = new TreeSet<>(fields.texts("licences", 100));
        if (licences.isEmpty()
                || licences.stream().anyMatch(id -> engine.licence(id).isEmpty())) {
            throw fields.wrong(
                    "licences", "must name licences that the platform knows, such as llama-3.1, one at least");
        }
        LocalDate date = date(fields, "date", fields.text("date", 10));
        String last = fields.optionalText("last_day", 10);
        LocalDate lastDay = last == null ? null : date(fields, "last_day", last);
        if (lastDay != null && lastDay.isBefore(date)) {
            throw fields.wrong("last_day", "must not be before the date");
        }
        Content content = new Content(
                licences,
                uses(fields),
                territory(fields),
                fields.text("document", 500),
                fields.text("document_id", 40),
                "",
                date,
                lastDay);
        fields.end();
        return content;
    }

    private static SortedSet<Use> uses(JsonFields fields) {
        SortedSet<Use> uses = new TreeSet<>();
        for (String text : fields.texts("uses", 40)) {
            try {
                uses.add(Use.valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_')));
            } catch (IllegalArgumentException e) {
                throw fields.wrong("uses", "must be of infer, derive, improve-other-model, publish, export-weights");
            }
        }
        return uses.isEmpty() ? new TreeSet<>(Set.of(Use.INFER, Use.DERIVE, Use.PUBLISH)) : uses;
    }

    private static SortedSet<String> territory(JsonFields fields) {
        SortedSet<String> countries = new TreeSet<>(fields.texts("territory", 2));
        if (!countries.stream().allMatch(c -> COUNTRY.matcher(c).matches())) {
            throw fields.wrong(
                    "territory", "must be countries by ISO 3166-1 alpha-2, such as CL, or absent for worldwide");
        }
        return countries;
    }

    private static LocalDate date(JsonFields fields, String name, String text) {
        try {
            LocalDate day = LocalDate.parse(text);
            if (day.getYear() < 2023 || day.getYear() > 9999) {
                throw fields.wrong(name, "must be a day from 2023 on");
            }
            return day;
        } catch (DateTimeException e) {
            throw fields.wrong(name, "must be a day such as 2026-01-31");
        }
    }

    private static Response waiting(Grants.Outcome outcome) {
        return Response.status(Response.Status.ACCEPTED)
                .entity(View.of(outcome.grant(), outcome.approval()))
                .build();
    }

    /** A grant as the API shows it; {@code territory} empty means worldwide. */
    public record View(
            String object,
            String id,
            String tenant,
            String state,
            List<String> licences,
            List<String> uses,
            List<String> territory,
            String document,
            @JsonProperty("document_id") String documentId,
            @JsonProperty("document_sha256") String documentSha256,
            String date,
            @JsonProperty("last_day") @Nullable String lastDay,
            @JsonProperty("closing_reason") @Nullable String closingReason,
            @Nullable String approval,
            @JsonProperty("content_hash") String contentHash) {
        static View of(GrantRecord g, @Nullable Approval waiting) {
            Content c = g.content();
            LocalDate last = c.lastDay();
            return new View(
                    "licence_grant",
                    g.id(),
                    g.tenantId(),
                    g.state().name().toLowerCase(Locale.ROOT),
                    List.copyOf(c.licences()),
                    c.uses().stream()
                            .map(use -> use.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                            .toList(),
                    List.copyOf(c.territory()),
                    c.document(),
                    c.documentId(),
                    c.documentSha256(),
                    c.date().toString(),
                    last == null ? null : last.toString(),
                    g.closingReason(),
                    waiting == null ? g.approvalId() : waiting.id(),
                    g.contentHash());
        }
    }

    /** A list of grants. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
