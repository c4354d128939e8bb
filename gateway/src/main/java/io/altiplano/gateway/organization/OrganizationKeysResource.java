package io.altiplano.gateway.organization;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.ApiKey;
import io.altiplano.gateway.access.ApiKeys;
import io.altiplano.gateway.access.CurrentMember;
import io.altiplano.gateway.access.KeyFields;
import io.altiplano.gateway.access.KeyPlace;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.tenant.Projects;
import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.web.Cursor;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.ListPage;
import io.quarkus.security.Authenticated;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.DELETE;
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
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A project's API keys: members see them without their secrets, developers make, rotate and delete them. */
@Path("/v1/organization/projects/{project}/api_keys")
@Produces(MediaType.APPLICATION_JSON)
@Authenticated
@RunOnVirtualThread
public class OrganizationKeysResource {
    private final ApiKeys keys;
    private final Projects projects;
    private final CurrentMember member;
    private final Clock clock;

    @Inject
    OrganizationKeysResource(ApiKeys keys, Projects projects, CurrentMember member, Clock clock) {
        this.keys = keys;
        this.projects = projects;
        this.member = member;
        this.clock = clock;
    }

    /** Those that were not deleted, by age. */
    @GET
    public ListPage<View> list(
            @PathParam("project") String project,
            @QueryParam("after") @Nullable String after,
            @QueryParam("limit") @Nullable String limit) {
        String tenant = member.require(Role.VIEWER).tenantId();
        List<ApiKey> all =
                keys.ofProject(tenant, projects.require(tenant, project).id());
        return Cursor.of(after, limit).cut(all, ApiKey::id, key -> View.of(key, null));
    }

    /** {@code {name, scopes?, expires_at?}}: 201 with the key as {@code value}, this once; without scopes, with all. */
    @POST
    public Response create(@PathParam("project") String project, @Context HttpHeaders headers, InputStream body) {
        CurrentMember.Member who = member.require(Role.DEVELOPER);
        String projectId = projects.require(who.tenantId(), project).id();
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        ApiKeys.Wanted wanted = new ApiKeys.Wanted(
                who.tenantId(),
                projectId,
                KeyFields.name(fields),
                Role.DEVELOPER,
                KeyFields.scopes(fields),
                KeyFields.expiresAt(fields, clock.instant()));
        fields.end();
        return created(keys.create(who.person(), wanted));
    }

    /** One, without its secret. */
    @GET
    @Path("/{key}")
    public View get(@PathParam("project") String project, @PathParam("key") String id) {
        String tenant = member.require(Role.VIEWER).tenantId();
        return keys.ofProject(tenant, projects.require(tenant, project).id()).stream()
                .filter(key -> key.id().equals(id))
                .findFirst()
                .map(key -> View.of(key, null))
                .orElseThrow(() -> ApiKeys.unknown(id));
    }

    /** {@code {overlap_seconds, expires_at?}}: 201 with the key in its place; the old one ends after the overlap. */
    @POST
    @Path("/{key}/rotate")
    public Response rotate(
            @PathParam("project") String project,
            @PathParam("key") String id,
            @Context HttpHeaders headers,
            InputStream body) {
        CurrentMember.Member who = member.require(Role.DEVELOPER);
        KeyPlace at = place(who, project, id);
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Duration overlap = KeyFields.overlap(fields);
        @Nullable Instant expiresAt = KeyFields.expiresAt(fields, clock.instant());
        fields.end();
        return created(keys.rotate(who.person(), at, overlap, expiresAt));
    }

    /** Deletes one: it is refused everywhere within a second. */
    @DELETE
    @Path("/{key}")
    public Deleted delete(@PathParam("project") String project, @PathParam("key") String id) {
        CurrentMember.Member who = member.require(Role.DEVELOPER);
        var unused = keys.revoke(who.person(), place(who, project, id)).orElseThrow(() -> ApiKeys.unknown(id));
        return new Deleted("organization.project.api_key.deleted", id, true);
    }

    private KeyPlace place(CurrentMember.Member who, String project, String id) {
        return new KeyPlace(
                id, who.tenantId(), projects.require(who.tenantId(), project).id());
    }

    private static Response created(ApiKeys.Created created) {
        return Response.status(Response.Status.CREATED)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .entity(View.of(created.key(), created.secret()))
                .build();
    }

    /**
     * A key as OpenAI shows it.
     *
     * @param value the whole key, in the answer to its creation alone
     * @param createdAt seconds of the Unix epoch, as the other times are
     */
    public record View(
            String object,
            String id,
            String name,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            String value,

            @JsonProperty("redacted_value") String redactedValue,
            List<String> scopes,
            @JsonProperty("created_at") long createdAt,
            @JsonProperty("last_used_at") @Nullable Long lastUsedAt,
            @JsonProperty("expires_at") @Nullable Long expiresAt,
            @JsonProperty("rotated_from") @Nullable String rotatedFrom,
            Owner owner) {
        static View of(ApiKey k, @Nullable String value) {
            return new View(
                    "organization.project.api_key",
                    k.id(),
                    k.name(),
                    value,
                    k.shown(),
                    k.scopes().stream().map(KeyScope::text).toList(),
                    k.createdAt().getEpochSecond(),
                    seconds(k.lastUsedAt()),
                    seconds(k.expiresAt()),
                    k.rotatedFrom(),
                    new Owner("user", new User(k.createdBy())));
        }

        private static @Nullable Long seconds(@Nullable Instant at) {
            return at == null ? null : at.getEpochSecond();
        }
    }

    /** Who made a key. */
    public record Owner(String type, User user) {}

    /** A person by the subject of its access tokens; null where it was not noted. */
    public record User(@Nullable String id) {}

    /** What is said of a deleted key. */
    public record Deleted(String object, String id, boolean deleted) {}
}
