package io.altiplano.gateway.organization;

import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.licence.Documents;
import io.altiplano.gateway.licence.DocumentsResource;
import io.altiplano.gateway.tenant.Role;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
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
import org.jspecify.annotations.Nullable;

/** Evidence that a tenant gives itself, for its attestations to name; served to members and officers as attachments alone. */
@Path("/v1/organization/documents")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationDocumentsResource {
    private final Documents documents;
    private final CurrentMember member;

    @Inject
    OrganizationDocumentsResource(Documents documents, CurrentMember member) {
        this.documents = documents;
        this.member = member;
    }

    /** The body is the file; {@code ?name=} is what it is called. 201 with its id and hash; it is never changed or deleted. */
    @POST
    @Consumes(MediaType.WILDCARD)
    public Response upload(@QueryParam("name") @Nullable String name, @Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.OWNER);
        return Response.status(Response.Status.CREATED)
                .entity(DocumentsResource.View.of(documents.uploadOwn(
                        who.person(),
                        who.tenantId(),
                        DocumentsResource.checkedName(name),
                        DocumentsResource.mediaType(headers.getMediaType()),
                        body)))
                .build();
    }

    /** All of the tenant's, oldest first. */
    @GET
    public DocumentsResource.Page list() {
        return new DocumentsResource.Page(
                "list",
                documents.list(member.require(Role.VIEWER).tenantId()).stream()
                        .map(DocumentsResource.View::of)
                        .toList(),
                false);
    }

    /** The file. */
    @GET
    @Path("/{id}")
    @Produces(MediaType.WILDCARD)
    public Response download(@PathParam("id") String id) {
        return DocumentsResource.attachment(
                documents.load(member.require(Role.VIEWER).tenantId(), id));
    }
}
