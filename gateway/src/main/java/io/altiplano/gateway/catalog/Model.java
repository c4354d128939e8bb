package io.altiplano.gateway.catalog;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A model that the platform serves.
 *
 * @param id what clients call it, and its directory in the model store
 * @param pool the model pool whose workers serve it
 * @param licence the licence's id as the licence engine knows it, e.g. "llama-3.1"
 * @param baseModel the model it was derived from
 * @param contextLength most tokens of prompt and answer together
 * @param vocabSize number of token ids
 * @param weightsSha256 over its weight files in the order of their names, hex
 * @param ownerTenant the tenant that alone may use it; null: the platform's, for everyone
 * @param createdAt when it was registered
 * @param state "ready" or "withdrawn"
 */
public record Model(
        String id,
        String pool,
        String licence,
        @Nullable String baseModel,
        int contextLength,
        int vocabSize,
        String weightsSha256,
        @Nullable String ownerTenant,
        Instant createdAt,
        String state) {

    /** Whether requests may name it. */
    public boolean ready() {
        return state.equals("ready");
    }

    /** Whether this tenant may know of it. */
    public boolean visibleTo(String tenantId) {
        return ownerTenant == null || ownerTenant.equals(tenantId);
    }
}
