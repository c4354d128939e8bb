package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A paying organisation: a legal entity, or one of several accounts of it.
 *
 * @param id a DNS label
 * @param name for people
 * @param tier what kind of customer
 * @param registrationNumber of the legal entity ({@link RegistrationNumber}), where known
 * @param registrationConfirmedAt when somebody of the platform had checked it; until then the group's figures count for this
 *     tenant and its figures not for the group
 * @param domicile ISO 3166-1 alpha-2, where known
 * @param principalPlace country of the principal place of business, where known
 * @param createdAt when it was registered
 */
public record Tenant(
        String id,
        String name,
        Tier tier,
        @Nullable String registrationNumber,
        @Nullable Instant registrationConfirmedAt,
        @Nullable String domicile,
        @Nullable String principalPlace,
        Instant createdAt) {}
