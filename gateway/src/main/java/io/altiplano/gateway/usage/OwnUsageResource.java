package io.altiplano.gateway.usage;

import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jspecify.annotations.Nullable;

/** {@code GET /v1/usage}: what the API key's tenant used and what it costs. */
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

    /** By model where nothing else is asked for, JSON whatever Accept says. */
    @GET
    public Response usage(
            @QueryParam("from") @Nullable String from,
            @QueryParam("to") @Nullable String to,
            @QueryParam("bucket") @Nullable String bucket,
            @QueryParam("group_by") @Nullable String groupBy) {
        UsageResource.Page page =
                UsageResource.Page.of(ledger.usage(caller.get().tenantId(), UsageQuery.of(from, to, bucket, groupBy)));
        return Response.ok(page, MediaType.APPLICATION_JSON_TYPE).build();
    }
}
