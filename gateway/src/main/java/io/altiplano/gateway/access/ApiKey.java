package io.altiplano.gateway.access;

import io.altiplano.gateway.tenant.Role;
import java.time.Instant;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An API key as it is listed: all but its secret.
 *
 * @param id "key_" and 32 hex digits
 * @param tenantId whose it is
 * @param projectId the project that its jobs are billed to
 * @param name for people
 * @param env for which platform, or null in keys from before there was one
 * @param prefix the public part of the key
 * @param role what callers with it may do
 * @param scopes what it is for
 * @param createdBy OIDC subject of who made it, or null where it was not noted
 * @param createdAt when it was made
 * @param expiresAt when it ends by itself, or null
 * @param revokedAt when it was ended, or null
 * @param lastUsedAt when it was last used, to the minute, or null
 * @param rotatedFrom the key in whose place it is, or null
 */
public record ApiKey(
        String id,
        String tenantId,
        String projectId,
        String name,
        @Nullable String env,
        String prefix,
        Role role,
        Set<KeyScope> scopes,
        @Nullable String createdBy,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt,
        @Nullable Instant lastUsedAt,
        @Nullable String rotatedFrom) {
    /** What may be shown of the key itself. */
    public String shown() {
        return KeyText.shown(env, prefix);
    }
}
