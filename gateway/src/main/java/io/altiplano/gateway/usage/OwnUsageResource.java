package io.altiplano.gateway.usage;

import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/** {@code GET /v1/usage}: what the API key's tenant used, by model. */
@Path("/v1/usage")
@NeedsScope(KeyScope.USAGE_READ)
@RunOnVirtualThread
public class OwnUsageResource {
    private final Ledger ledger;
    private final CurrentCaller caller;

    @Inject
    OwnUsageResource(Ledger ledger, CurrentCaller caller) {
        this.ledger = ledger;
        this.caller = caller;
    }

    /** By model, JSON whatever Accept says. */
    @GET
    public Response usage() {
        UsageResource.Page page =
                UsageResource.Page.of(ledger.totals(caller.get().tenantId()));
        return Response.ok(page, MediaType.APPLICATION_JSON_TYPE).build();
    }
}
