package io.altiplano.gateway.access;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** API keys of a tenant: made with their text shown once, listed without it. {@link KeyResource} revokes them. */
@Path("/admin/v1/tenants/{tenant}/keys")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class KeysResource {
    private final ApiKeys keys;
    private final SecurityIdentity identity;

    @Inject
    KeysResource(ApiKeys keys, SecurityIdentity identity) {
        this.keys = keys;
        this.identity = identity;
    }

    /** {@code {name, project?, role?}}: 201 with the key, this once. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response create(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String name = fields.text("name", 200);
        String project = fields.optionalText("project", 63);
        Role role = role(fields);
        fields.end();
        ApiKeys.Created created = keys.create(
                identity.getPrincipal().getName(),
                tenant,
                project == null ? Tenants.DEFAULT_PROJECT : project,
                name,
                role);
        return Response.status(Response.Status.CREATED)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .entity(View.of(created.key(), created.text().secretText()))
                .build();
    }

    /** A tenant's keys, without their text. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR})
    public Page list(@PathParam("tenant") String tenant) {
        List<View> data =
                keys.list(tenant).stream().map(key -> View.of(key, null)).toList();
        return new Page("list", data, false);
    }

    private static Role role(JsonFields fields) {
        String given = fields.optionalText("role", 20);
        String role = given == null ? Role.MEMBER.name() : given.toUpperCase(Locale.ROOT);
        return Arrays.stream(Role.values())
                .filter(r -> r.name().equals(role))
                .findFirst()
                .orElseThrow(() -> fields.wrong("role", "must be one of viewer, member, owner"));
    }

    /**
     * A key as the API shows it.
     *
     * @param key the whole key, in the answer to its creation alone
     */
    public record View(
            String object,
            String id,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String key,

            String prefix,
            String tenant,
            String project,
            String name,
            String role,
            @JsonProperty("created_at") long createdAt,
            @JsonProperty("revoked_at") @Nullable Long revokedAt) {
        static View of(ApiKey k, @Nullable String text) {
            return new View(
                    "api_key",
                    k.id(),
                    text,
                    k.prefix(),
                    k.tenantId(),
                    k.projectId(),
                    k.name(),
                    k.role().name().toLowerCase(Locale.ROOT),
                    k.createdAt().getEpochSecond(),
                    k.revokedAt() == null ? null : k.revokedAt().getEpochSecond());
        }
    }

    /** A list of keys. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
