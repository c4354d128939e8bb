package io.altiplano.gateway.access;

import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.RealmRole;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.Optional;
import java.util.regex.Pattern;

/** One API key by its id. */
@Path("/admin/v1/keys")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class KeyResource {
    private static final Pattern ID = Pattern.compile("key_[0-9a-f]{32}");

    private final ApiKeys keys;
    private final SecurityIdentity identity;

    @Inject
    KeyResource(ApiKeys keys, SecurityIdentity identity) {
        this.keys = keys;
        this.identity = identity;
    }

    /** Revokes a key. */
    @DELETE
    @Path("/{id}")
    @RolesAllowed(RealmRole.ADMIN)
    public Deleted revoke(@PathParam("id") String id) {
        Optional<ApiKey> found =
                ID.matcher(id).matches() ? keys.revoke(identity.getPrincipal().getName(), id) : Optional.empty();
        if (found.isEmpty()) {
            throw new ApiException(ApiError.notFound("api_key_not_found", "There is no API key " + id + "."));
        }
        return new Deleted(id, "api_key.deleted", true);
    }

    /** What is said of a revoked key. */
    public record Deleted(String id, String object, boolean deleted) {}
}
