package io.altiplano.gateway.policy;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;

/** How many distinct end users a tenant's requests named, by month: an estimate, which decides nothing. */
@Path("/admin/v1/tenants/{tenant}/end-users")
@Produces(MediaType.APPLICATION_JSON)
@RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
@RunOnVirtualThread
public class EndUsersResource {
    private final EndUserReviews estimates;
    private final Tenants tenants;

    @Inject
    EndUsersResource(EndUserReviews estimates, Tenants tenants) {
        this.estimates = estimates;
        this.tenants = tenants;
    }

    /** Newest month first; months without named end users are missing. */
    @GET
    public Page list(@PathParam("tenant") String tenant) {
        Tenants.requireId(tenant);
        if (tenants.find(tenant).isEmpty()) {
            throw Tenants.unknown(tenant);
        }
        return new Page("list", estimates.of(tenant).stream().map(View::of).toList(), false);
    }

    /** An estimate; between the bounds lie about 95 in 100. */
    public record View(
            String object,
            String month,
            long estimate,
            @JsonProperty("lower_bound") long lowerBound,
            @JsonProperty("upper_bound") long upperBound,
            @JsonProperty("updated_at") long updatedAt) {
        static View of(EndUserEstimate e) {
            return new View(
                    "end_user_estimate",
                    e.month(),
                    e.estimate(),
                    e.lowerBound(),
                    e.upperBound(),
                    e.updatedAt().getEpochSecond());
        }
    }

    /** A list of estimates. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
