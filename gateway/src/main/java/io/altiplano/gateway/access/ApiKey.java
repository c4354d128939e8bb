package io.altiplano.gateway.access;

import io.altiplano.gateway.tenant.Role;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An API key as it is listed: all but its secret.
 *
 * @param id "key_" and 32 hex digits
 * @param tenantId whose it is
 * @param projectId the project that its jobs are billed to
 * @param name for people
 * @param prefix the public part of the key
 * @param role what callers with it may do
 * @param createdAt when it was made
 * @param revokedAt when it ended, or null
 */
public record ApiKey(
        String id,
        String tenantId,
        String projectId,
        String name,
        String prefix,
        Role role,
        Instant createdAt,
        @Nullable Instant revokedAt) {}
