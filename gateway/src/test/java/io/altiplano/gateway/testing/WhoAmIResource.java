package io.altiplano.gateway.testing;

import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import java.util.Map;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** An endpoint under {@code /v1} for tests of the key filter alone: says whom it takes the caller for. */
@Path("/v1/test/whoami")
@NeedsScope(KeyScope.MODELS_READ)
public class WhoAmIResource {
    private final CurrentCaller caller;

    @Inject
    WhoAmIResource(CurrentCaller caller) {
        this.caller = caller;
    }

    /** The caller. */
    @GET
    @Operation(hidden = true)
    @RunOnVirtualThread
    public Map<String, String> whoAmI() {
        Caller c = caller.get();
        return Map.of(
                "tenant",
                c.tenantId(),
                "project",
                c.projectId(),
                "tier",
                c.tier().name(),
                "role",
                c.role().name());
    }
}
