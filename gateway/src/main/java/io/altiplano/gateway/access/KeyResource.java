package io.altiplano.gateway.access;

import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
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
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** One API key by its id. */
@Path("/admin/v1/keys")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class KeyResource {
    private final ApiKeys keys;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    KeyResource(ApiKeys keys, CurrentPerson person, Clock clock) {
        this.keys = keys;
        this.person = person;
        this.clock = clock;
    }

    /** Revokes a key. */
    @DELETE
    @Path("/{id}")
    @RolesAllowed(RealmRole.ADMIN)
    public Deleted revoke(@PathParam("id") String id) {
        var unused = keys.revoke(person.get(), KeyPlace.anywhere(id)).orElseThrow(() -> ApiKeys.unknown(id));
        return new Deleted(id, "api_key.deleted", true);
    }

    /** {@code {overlap_seconds, expires_at?}}: 201 with the key in its place, this once; the old one ends after the overlap. */
    @POST
    @Path("/{id}/rotate")
    @RolesAllowed(RealmRole.ADMIN)
    public Response rotate(@PathParam("id") String id, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Duration overlap = KeyFields.overlap(fields);
        @Nullable Instant expiresAt = KeyFields.expiresAt(fields, clock.instant());
        fields.end();
        return KeysResource.created(keys.rotate(person.get(), KeyPlace.anywhere(id), overlap, expiresAt));
    }

    /** What is said of a revoked key. */
    public record Deleted(String id, String object, boolean deleted) {}
}
