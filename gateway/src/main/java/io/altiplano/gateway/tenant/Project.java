package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The budget and isolation unit inside a tenant.
 *
 * @param tenantId of which
 * @param id a DNS label, once in the tenant
 * @param name for people
 * @param createdAt when it was made
 * @param archivedAt when it ended, or null; its keys are refused and it takes no new ones
 */
public record Project(
        String tenantId,
        String id,
        String name,
        Instant createdAt,
        @Nullable Instant archivedAt) {}
