package io.altiplano.gateway.usage;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.RealmRole;
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

    @Inject
    UsageResource(Ledger ledger, Tenants tenants) {
        this.ledger = ledger;
        this.tenants = tenants;
    }

    /** One tenant's usage, or all tenants' where none is named. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR})
    public Page usage(@QueryParam("tenant") @Nullable String tenant) {
        if (tenant == null) {
            return Page.of(ledger.totals());
        }
        if (tenants.find(tenant).isEmpty()) {
            throw Tenants.unknown(tenant);
        }
        return Page.of(ledger.totals(tenant));
    }

    /** One tenant's use of one model. */
    public record View(
            String tenant,
            String model,
            long requests,
            @JsonProperty("prompt_tokens") long promptTokens,
            @JsonProperty("completion_tokens") long completionTokens) {}

    /** A list of uses. */
    public record Page(String object, List<View> data) {
        /** Of sums. */
        public static Page of(List<UsageTotal> totals) {
            return new Page(
                    "list",
                    totals.stream()
                            .map(t -> new View(
                                    t.tenant(), t.model(), t.requests(), t.promptTokens(), t.completionTokens()))
                            .toList());
        }
    }
}
