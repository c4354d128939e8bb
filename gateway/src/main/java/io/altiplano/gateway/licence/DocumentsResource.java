package io.altiplano.gateway.licence;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Evidence of a tenant: uploaded as bytes, served as an attachment that no browser interprets. */
@Path("/admin/v1/tenants/{tenant}/documents")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class DocumentsResource {
    private final Documents documents;
    private final CurrentPerson person;

    @Inject
    DocumentsResource(Documents documents, CurrentPerson person) {
        this.documents = documents;
        this.person = person;
    }

    /** The body is the file; {@code ?name=} is what it is called. 201 with its hash. */
    @POST
    @Consumes(MediaType.WILDCARD)
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER})
    public Response upload(
            @PathParam("tenant") String tenant,
            @QueryParam("name") @Nullable String name,
            @Context HttpHeaders headers,
            InputStream body) {
        Tenants.requireId(tenant);
        Document document =
                documents.upload(person.get(), tenant, checkedName(name), mediaType(headers.getMediaType()), body);
        return Response.status(Response.Status.CREATED)
                .entity(View.of(document))
                .build();
    }

    /** All of them. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@PathParam("tenant") String tenant) {
        return new Page("list", documents.list(tenant).stream().map(View::of).toList(), false);
    }

    /** The file. */
    @GET
    @Path("/{id}")
    @Produces(MediaType.WILDCARD)
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Response download(@PathParam("tenant") String tenant, @PathParam("id") String id) {
        return attachment(documents.load(tenant, id));
    }

    /** What the sender says the file is, for people; it is never served as that. */
    public static String mediaType(@Nullable MediaType type) {
        String text = type == null ? MediaType.APPLICATION_OCTET_STREAM : type.getType() + "/" + type.getSubtype();
        return text.length() > 100 ? MediaType.APPLICATION_OCTET_STREAM : text;
    }

    /** A file as an attachment: RFC 6266, with the name percent-encoded after RFC 8187, so that it cannot break the header. */
    public static Response attachment(Documents.Loaded loaded) {
        String name = URLEncoder.encode(loaded.document().name(), StandardCharsets.UTF_8)
                .replace("+", "%20");
        return Response.ok(loaded.content(), MediaType.APPLICATION_OCTET_STREAM)
                .header("Content-Disposition", "attachment; filename=\"document\"; filename*=UTF-8''" + name)
                .header("X-Content-Type-Options", "nosniff")
                .header("Content-Security-Policy", "sandbox; default-src 'none'")
                .header("Cache-Control", "no-store")
                .header("Digest", "sha-256=" + loaded.document().sha256())
                .build();
    }

    /**
     * A file's name.
     *
     * @throws ApiException 400 it is missing, or could not be one
     */
    public static String checkedName(@Nullable String name) {
        if (name == null
                || name.isBlank()
                || name.length() > 200
                || name.codePoints()
                        .anyMatch(c -> Character.isISOControl(c)
                                || Character.getType(c) == Character.SURROGATE
                                || c == '/'
                                || c == '\\')) {
            throw new ApiException(
                    ApiError.invalidRequest(
                            "name",
                            "invalid_value",
                            "name must be the file's name: 1 to 200 characters without control characters and slashes, as ?name=letter.pdf."));
        }
        return name;
    }

    /** A document as the API shows it. */
    public record View(
            String object,
            String id,
            String name,
            @JsonProperty("media_type") String mediaType,
            int bytes,
            String sha256,
            @JsonProperty("uploaded_at") long uploadedAt) {
        /** Shows one. */
        public static View of(Document d) {
            return new View(
                    "document",
                    d.id(),
                    d.name(),
                    d.mediaType(),
                    d.bytes(),
                    d.sha256(),
                    d.uploadedAt().getEpochSecond());
        }
    }

    /** A list of documents. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
