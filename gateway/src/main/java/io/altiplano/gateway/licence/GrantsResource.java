package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.LicenceEngine;
import io.altiplano.licensing.LicenceGrant;
import io.altiplano.licensing.LicenceVersion;
import io.altiplano.licensing.Territory;
import io.altiplano.licensing.Use;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
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
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Meta's express grants, as officers record them on evidence. The platform never grants: this notes a document, and its hash.
 * A record covers one licence, to run, derive and publish, worldwide.
 */
@Path("/admin/v1/tenants/{tenant}/licence-grants")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class GrantsResource {
    private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern GRANT_ID = Pattern.compile("grt_[0-9a-f]{32}");

    private final LicenceFacts facts;
    private final LicenceEngine engine;
    private final SecurityIdentity identity;

    @Inject
    GrantsResource(LicenceFacts facts, LicenceEngine engine, SecurityIdentity identity) {
        this.facts = facts;
        this.engine = engine;
        this.identity = identity;
    }

    /** {@code {licence, document, document_sha256, date, last_day?}}: 201. */
    @POST
    @RolesAllowed(RealmRole.OFFICER)
    public Response record(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        Tenants.requireId(tenant);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        LicenceVersion licence = engine.licence(fields.text("licence", 100))
                .orElseThrow(
                        () -> fields.wrong("licence", "must be a licence that the platform knows, such as llama-3.1"));
        String document = fields.text("document", 500);
        String sha256 = fields.text("document_sha256", 64);
        if (!SHA_256.matcher(sha256).matches()) {
            throw fields.wrong("document_sha256", "must be the document's SHA-256 in 64 lower case hex digits");
        }
        LocalDate date = date(fields, "date", fields.text("date", 10));
        String last = fields.optionalText("last_day", 10);
        @Nullable LocalDate lastDay = last == null ? null : date(fields, "last_day", last);
        if (lastDay != null && lastDay.isBefore(date)) {
            throw fields.wrong("last_day", "must not be before the date");
        }
        fields.end();
        String id = "grt_" + UUID.randomUUID().toString().replace("-", "");
        LicenceGrant grant = new LicenceGrant(
                id,
                tenant,
                sha256,
                date,
                lastDay,
                null,
                Set.of(licence.id()),
                Set.of(Use.INFER, Use.DERIVE, Use.PUBLISH),
                Territory.everywhere());
        facts.grant(identity.getPrincipal().getName(), grant, document);
        return Response.status(Response.Status.CREATED)
                .entity(new View("licence_grant", id, tenant, licence.id(), document, sha256, date.toString(), last))
                .build();
    }

    /** Notes that Meta took a grant back: what it permitted is refused within a second. */
    @DELETE
    @Path("/{id}")
    @RolesAllowed(RealmRole.OFFICER)
    public Deleted revoke(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        Tenants.requireId(tenant);
        if (!GRANT_ID.matcher(id).matches()
                || !facts.revokeGrant(identity.getPrincipal().getName(), tenant, id)) {
            throw new ApiException(
                    ApiError.notFound("licence_grant_not_found", "There is no licence grant " + id + " in force."));
        }
        return new Deleted(id, "licence_grant.deleted", true);
    }

    private static LocalDate date(JsonFields fields, String name, String text) {
        try {
            return LocalDate.parse(text);
        } catch (DateTimeException e) {
            throw fields.wrong(name, "must be a day such as 2026-01-31");
        }
    }

    /** A grant as the API shows it. */
    public record View(
            String object,
            String id,
            String tenant,
            String licence,
            String document,
            @JsonProperty("document_sha256") String documentSha256,
            String date,
            @JsonProperty("last_day") @Nullable String lastDay) {}

    /** What is said of a grant that was taken back. */
    public record Deleted(String id, String object, boolean deleted) {}
}
