package io.altiplano.gateway.access;

import io.altiplano.gateway.tenant.Role;
import io.altiplano.gateway.tenant.Tier;

/**
 * Who calls, authenticated.
 *
 * @param tenantId the paying organisation
 * @param projectId the budget and isolation unit inside it
 * @param apiKeyId the API key's id, never the key
 * @param tier the tenant's
 * @param role what the caller may do inside the tenant
 * @param cacheSalt the tenant's salt of prompt prefix hashes, 64 hex digits; a secret of the platform's
 */
public record Caller(String tenantId, String projectId, String apiKeyId, Tier tier, Role role, String cacheSalt) {

    /** The salt stays out of logs. */
    @Override
    public String toString() {
        return "Caller[" + tenantId + "/" + projectId + ", " + apiKeyId + ", " + tier + ", " + role + "]";
    }
}
