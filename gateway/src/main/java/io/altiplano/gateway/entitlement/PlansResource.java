package io.altiplano.gateway.entitlement;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.tenant.Tier;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.altiplano.licensing.Use;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/tiers}: what each tier allows, as it was, is and will be. */
@Path("/admin/v1/tiers")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class PlansResource {
    private final Plans plans;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    PlansResource(Plans plans, CurrentPerson person, Clock clock) {
        this.plans = plans;
        this.person = person;
        this.clock = clock;
    }

    /** All plans, by tier and day. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list() {
        return new Page("list", plans.all().stream().map(View::of).toList(), false);
    }

    /**
     * A tier's next plan, whole, from an instant that is not past; without {@code effective_from} from now. 201, or 409 where
     * it has one from that instant.
     */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response add(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Plan plan = plan(fields);
        fields.end();
        plans.add(person.get(), plan);
        return Response.status(Response.Status.CREATED).entity(View.of(plan)).build();
    }

    private Plan plan(JsonFields fields) {
        Tier tier = Tier.of(fields.text("tier", 20))
                .filter(t -> t != Tier.SUSPENDED)
                .orElseThrow(() -> fields.wrong(
                        "tier", "must be one of " + Tier.all() + "; what suspended allows is nothing, and stays so"));
        int maxTokens = limit(fields, "max_tokens");
        int defaultMaxTokens = limit(fields, "default_max_tokens");
        if (defaultMaxTokens > maxTokens) {
            throw fields.wrong("default_max_tokens", "must not be more than max_tokens");
        }
        return new Plan(
                tier,
                effectiveFrom(fields),
                uses(fields),
                fields.has("models") ? Set.copyOf(fields.texts("models", 200)) : null,
                limit(fields, "requests_per_minute"),
                atLeastOne(fields, "tokens_per_minute", Long.MAX_VALUE),
                limit(fields, "concurrent"),
                atLeastOne(fields, "tokens_per_month", Long.MAX_VALUE),
                maxTokens,
                defaultMaxTokens,
                limit(fields, "weight"),
                Boolean.TRUE.equals(fields.optionalFlag("batch")),
                Boolean.TRUE.equals(fields.optionalFlag("fine_tune")));
    }

    private Instant effectiveFrom(JsonFields fields) {
        String given = fields.optionalText("effective_from", 40);
        Instant now = clock.instant();
        if (given == null) {
            return now;
        }
        try {
            Instant from = Instant.parse(given);
            if (from.isBefore(now)) {
                throw fields.wrong("effective_from", "must not be past: what was allowed stays as it was");
            }
            return from;
        } catch (DateTimeException e) {
            throw fields.wrong("effective_from", "must be an instant such as 2027-01-01T00:00:00Z");
        }
    }

    private static Set<Use> uses(JsonFields fields) {
        Set<Use> uses = EnumSet.noneOf(Use.class);
        for (String text : fields.texts("uses", 40)) {
            try {
                uses.add(Use.valueOf(text.toUpperCase(Locale.ROOT).replace('-', '_')));
            } catch (IllegalArgumentException e) {
                throw fields.wrong("uses", "must be of infer, derive, improve-other-model, publish, export-weights");
            }
        }
        if (uses.isEmpty()) {
            throw fields.wrong("uses", "must name one use at least");
        }
        return uses;
    }

    private static int limit(JsonFields fields, String name) {
        return (int) atLeastOne(fields, name, Integer.MAX_VALUE);
    }

    private static long atLeastOne(JsonFields fields, String name, long most) {
        long value = fields.count(name);
        if (value < 1 || value > most) {
            throw fields.wrong(name, "must be a whole number from 1 to " + most);
        }
        return value;
    }

    /** A plan as the API shows it; {@code models} null means every model. */
    public record View(
            String object,
            String tier,
            @JsonProperty("effective_from") String effectiveFrom,
            List<String> uses,
            @Nullable List<String> models,
            @JsonProperty("requests_per_minute") int requestsPerMinute,
            @JsonProperty("tokens_per_minute") long tokensPerMinute,
            int concurrent,
            @JsonProperty("tokens_per_month") long tokensPerMonth,
            @JsonProperty("max_tokens") int maxTokens,
            @JsonProperty("default_max_tokens") int defaultMaxTokens,
            int weight,
            boolean batch,
            @JsonProperty("fine_tune") boolean fineTune) {
        static View of(Plan p) {
            return new View(
                    "tier_plan",
                    p.tier().text(),
                    p.effectiveFrom().toString(),
                    p.uses().stream()
                            .sorted()
                            .map(use -> use.name().toLowerCase(Locale.ROOT).replace('_', '-'))
                            .toList(),
                    p.models() == null ? null : p.models().stream().sorted().toList(),
                    p.requestsPerMinute(),
                    p.tokensPerMinute(),
                    p.concurrent(),
                    p.tokensPerMonth(),
                    p.maxTokens(),
                    p.defaultMaxTokens(),
                    p.weight(),
                    p.batch(),
                    p.fineTune());
        }
    }

    /** A list of plans. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
