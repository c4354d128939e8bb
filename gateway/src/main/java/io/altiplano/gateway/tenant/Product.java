package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A product or service that a tenant makes available.
 *
 * @param id "prd_" and 32 hex digits
 * @param endedAt since when it is no more, or null
 */
public record Product(
        String id,
        String tenantId,
        String name,
        Instant declaredAt,
        @Nullable Instant endedAt) {}
