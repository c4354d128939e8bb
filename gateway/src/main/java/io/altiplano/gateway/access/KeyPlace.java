package io.altiplano.gateway.access;

import org.jspecify.annotations.Nullable;

/**
 * A key by its id, and where it must be to be there for the asker.
 *
 * @param id the key's
 * @param tenantId its tenant, or null: any
 * @param projectId its project, or null: any
 */
public record KeyPlace(
        String id, @Nullable String tenantId, @Nullable String projectId) {
    /** A key of any tenant: the operator's view. */
    static KeyPlace anywhere(String id) {
        return new KeyPlace(id, null, null);
    }
}
