package io.altiplano.gateway.access;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tenants;
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
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** API keys of a tenant: made with their text shown once, listed without it. {@link KeyResource} revokes them. */
@Path("/admin/v1/tenants/{tenant}/keys")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class KeysResource {
    private final ApiKeys keys;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    KeysResource(ApiKeys keys, CurrentPerson person, Clock clock) {
        this.keys = keys;
        this.person = person;
        this.clock = clock;
    }

    /** {@code {name, project?, role?, scopes?, expires_at?}}: 201 with the key, this once; without scopes, with all. */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response create(@PathParam("tenant") String tenant, @Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        String project = fields.optionalText("project", 63);
        ApiKeys.Wanted wanted = new ApiKeys.Wanted(
                tenant,
                project == null ? Tenants.DEFAULT_PROJECT : project,
                KeyFields.name(fields),
                role(fields),
                KeyFields.scopes(fields),
                KeyFields.expiresAt(fields, clock.instant()));
        fields.end();
        return created(keys.create(person.get(), wanted));
    }

    static Response created(ApiKeys.Created created) {
        return Response.status(Response.Status.CREATED)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .entity(View.of(created.key(), created.secret()))
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
        return given == null
                ? Role.DEVELOPER
                : Role.of(given).orElseThrow(() -> fields.wrong("role", "must be one of " + Role.all()));
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
            List<String> scopes,
            @JsonProperty("created_at") long createdAt,
            @JsonProperty("expires_at") @Nullable Long expiresAt,
            @JsonProperty("last_used_at") @Nullable Long lastUsedAt,
            @JsonProperty("revoked_at") @Nullable Long revokedAt,
            @JsonProperty("rotated_from") @Nullable String rotatedFrom) {
        static View of(ApiKey k, @Nullable String text) {
            return new View(
                    "api_key",
                    k.id(),
                    text,
                    k.prefix(),
                    k.tenantId(),
                    k.projectId(),
                    k.name(),
                    k.role().text(),
                    k.scopes().stream().map(KeyScope::text).toList(),
                    k.createdAt().getEpochSecond(),
                    seconds(k.expiresAt()),
                    seconds(k.lastUsedAt()),
                    seconds(k.revokedAt()),
                    k.rotatedFrom());
        }

        private static @Nullable Long seconds(@Nullable Instant at) {
            return at == null ? null : at.getEpochSecond();
        }
    }

    /** A list of keys. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
