package io.altiplano.gateway.audit;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One thing that was done.
 *
 * @param actor who: the OIDC user's name, or "system:" and a part of the platform
 * @param action a dotted verb, e.g. "tenant.create"
 * @param tenantId whom it concerns; null for the platform itself
 * @param subject which thing, e.g. an API key's id
 * @param detail what else matters; no secrets
 */
public record AuditEntry(
        String actor, String action, @Nullable String tenantId, String subject, Map<String, ?> detail) {
    public AuditEntry {
        detail = Map.copyOf(detail);
    }
}
