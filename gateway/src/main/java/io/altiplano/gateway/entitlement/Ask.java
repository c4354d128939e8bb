package io.altiplano.gateway.entitlement;

import org.jspecify.annotations.Nullable;

/**
 * A request that would be let in.
 *
 * @param tenantId whose
 * @param projectId of the tenant
 * @param plan the tenant's
 * @param demand what its job may come to; null: it has no job, and takes a request of the minute alone
 */
record Ask(
        String tenantId,
        String projectId,
        Plan plan,
        @Nullable Demand demand) {}
