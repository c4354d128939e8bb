package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A paying organisation.
 *
 * @param id a DNS label
 * @param name for people
 * @param tier what kind of customer
 * @param domicile ISO 3166-1 alpha-2, where known
 * @param principalPlace country of the principal place of business, where known
 * @param createdAt when it was registered
 */
public record Tenant(
        String id,
        String name,
        Tier tier,
        @Nullable String domicile,
        @Nullable String principalPlace,
        Instant createdAt) {}
