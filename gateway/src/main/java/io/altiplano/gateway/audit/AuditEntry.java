package io.altiplano.gateway.audit;

import io.altiplano.gateway.web.CurrentPerson.Person;
import java.util.HashMap;
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
    /** Copies the map. */
    public AuditEntry {
        detail = Map.copyOf(detail);
    }

    /** What a person did; the person's OIDC subject is among the details, for names can change. */
    public static AuditEntry by(
            Person person, String action, @Nullable String tenantId, String subject, Map<String, ?> detail) {
        Map<String, Object> all = new HashMap<>(detail);
        all.put("person", person.subject());
        return new AuditEntry(person.name(), action, tenantId, subject, all);
    }
}
