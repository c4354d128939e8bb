package io.altiplano.gateway.usage;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.access.OwnTenant;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.RealmRole;
import io.quarkus.security.identity.SecurityIdentity;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code GET /admin/v1/usage}: what was used, by tenant and model. */
@Path("/admin/v1/usage")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class UsageResource {
    private final Ledger ledger;
    private final Tenants tenants;
    private final OwnTenant ownTenant;
    private final SecurityIdentity identity;

    @Inject
    UsageResource(Ledger ledger, Tenants tenants, OwnTenant ownTenant, SecurityIdentity identity) {
        this.ledger = ledger;
        this.tenants = tenants;
        this.ownTenant = ownTenant;
        this.identity = identity;
    }

    /**
     * One tenant's usage, or all tenants' where none is named. A tenant's owner is shown its own alone: another's id is
     * answered as one that is not there.
     */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR, RealmRole.TENANT_OWNER})
    public Page usage(@QueryParam("tenant") @Nullable String tenant) {
        boolean all = identity.hasRole(RealmRole.ADMIN) || identity.hasRole(RealmRole.AUDITOR);
        String wanted = tenant == null && !all ? own() : tenant;
        if (wanted == null) {
            return new Page("list", view(ledger.totals()));
        }
        if (!all && !wanted.equals(own())) {
            throw Tenants.unknown(wanted);
        }
        if (tenants.find(wanted).isEmpty()) {
            throw Tenants.unknown(wanted);
        }
        return new Page("list", view(ledger.totals(wanted)));
    }

    private String own() {
        return ownTenant
                .get()
                .orElseThrow(() -> new ApiException(ApiError.forbidden(
                        "no_tenant", "The access token names no tenant: ask an administrator to set yours.")));
    }

    private static List<View> view(List<UsageTotal> totals) {
        return totals.stream()
                .map(t -> new View(t.tenant(), t.model(), t.requests(), t.promptTokens(), t.completionTokens()))
                .toList();
    }

    /** One tenant's use of one model. */
    public record View(
            String tenant,
            String model,
            long requests,
            @JsonProperty("prompt_tokens") long promptTokens,
            @JsonProperty("completion_tokens") long completionTokens) {}

    /** A list of uses. */
    public record Page(String object, List<View> data) {}
}
