package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A person inside a tenant.
 *
 * @param tenantId of which
 * @param subject the subject (sub) of the person's access tokens
 * @param name what whoever added the member calls it, or null
 * @param role what it may do there
 * @param createdAt since when
 */
public record Member(
        String tenantId, String subject, @Nullable String name, Role role, Instant createdAt) {}
