package io.altiplano.gateway.tenant;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Another legal entity that controls, is controlled by, or is under common control with a tenant's.
 *
 * @param id "aff_" and 32 hex digits
 * @param registrationNumber as {@link RegistrationNumber} spells it
 * @param confirmedAt when somebody of the platform had checked it; until then it counts for this tenant alone
 * @param removedAt when two persons took it out, or null
 */
public record Affiliate(
        String id,
        String tenantId,
        String name,
        String registrationNumber,
        Instant declaredAt,
        @Nullable Instant confirmedAt,
        @Nullable Instant removedAt) {}
