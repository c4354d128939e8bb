package io.altiplano.gateway.usage;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.price.Money;
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
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code GET /admin/v1/usage}: what was used and what it costs, by tenant and what else is asked for. */
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

    /** One tenant's usage, or all tenants' where none is named; see {@link UsageQuery}. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.AUDITOR})
    public Page usage(
            @QueryParam("tenant") @Nullable String tenant,
            @QueryParam("from") @Nullable String from,
            @QueryParam("to") @Nullable String to,
            @QueryParam("bucket") @Nullable String bucket,
            @QueryParam("group_by") @Nullable String groupBy) {
        UsageQuery query = UsageQuery.of(from, to, bucket, groupBy);
        if (tenant == null) {
            return Page.of(ledger.usage(query));
        }
        if (tenants.find(tenant).isEmpty()) {
            throw Tenants.unknown(tenant);
        }
        return Page.of(ledger.usage(tenant, query));
    }

    /**
     * One sum. What was not asked to be told apart is left out; {@code prompt_tokens} includes {@code cached_tokens};
     * {@code cost} is in US dollars, as text.
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record View(
            String tenant,
            @Nullable String project,
            @JsonProperty("api_key") @Nullable String apiKey,
            @Nullable String model,
            @Nullable String start,
            long requests,
            long failed,
            @JsonProperty("prompt_tokens") long promptTokens,
            @JsonProperty("cached_tokens") long cachedTokens,
            @JsonProperty("completion_tokens") long completionTokens,
            String cost) {
        static View of(UsageRow r) {
            Instant start = r.startAt();
            return new View(
                    r.tenant(),
                    r.project(),
                    r.apiKey(),
                    r.model(),
                    start == null ? null : start.toString(),
                    r.requests(),
                    r.failed(),
                    r.promptTokens(),
                    r.cachedTokens(),
                    r.completionTokens(),
                    r.cost().toPlainString());
        }
    }

    /** A list of sums; {@code has_more} where there are more than an answer holds: ask for less at a time. */
    public record Page(
            String object,
            String currency,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {
        /** Of sums. */
        public static Page of(List<UsageRow> rows) {
            return new Page(
                    "list", Money.CURRENCY, rows.stream().map(View::of).toList(), rows.size() == UsageStore.MOST);
        }
    }
}
