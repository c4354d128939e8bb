package io.altiplano.gateway.tenant;

import java.util.Collection;
import org.jdbi.v3.core.Handle;

/** Hears, in the transaction that did it, that the group of some tenants is another now. */
public interface GroupChange {
    /**
     * Follows.
     *
     * @param tenantIds every tenant whose group may have changed
     */
    void changed(Handle operator, Collection<String> tenantIds);
}
