package io.altiplano.gateway.audit;

import io.altiplano.gateway.web.CurrentPerson.Person;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One thing that was done.
 *
 * @param actor who: the OIDC user's name, or "system:" and a part of the platform
 * @param actorSubject the person's OIDC subject, for names can change; empty for a part of the platform
 * @param action a dotted verb, e.g. "tenant.create"
 * @param tenantId whom it concerns; null for the platform itself
 * @param subject which thing, e.g. an API key's id
 * @param detail what else matters; no secrets
 */
public record AuditEntry(
        String actor,
        String actorSubject,
        String action,
        @Nullable String tenantId,
        String subject,
        Map<String, ?> detail) {
    /** Copies the map. */
    public AuditEntry {
        detail = Map.copyOf(detail);
    }

    /** What a person, or a part of the platform, did. */
    public static AuditEntry by(
            Person person, String action, @Nullable String tenantId, String subject, Map<String, ?> detail) {
        return new AuditEntry(
                person.name(), person.isSystem() ? "" : person.subject(), action, tenantId, subject, detail);
    }
}
