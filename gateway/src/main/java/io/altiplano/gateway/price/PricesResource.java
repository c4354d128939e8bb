package io.altiplano.gateway.price;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.catalog.Catalog;
import io.altiplano.gateway.tenant.Tenants;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.CurrentPerson;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.JsonFields;
import io.altiplano.gateway.web.RealmRole;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.annotation.security.RolesAllowed;
import jakarta.inject.Inject;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.math.BigDecimal;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code /admin/v1/prices}: the price book, as it was, is and will be. Money is written as text: {@code "0.25"}. */
@Path("/admin/v1/prices")
@Produces(MediaType.APPLICATION_JSON)
@RunOnVirtualThread
public class PricesResource {
    /** Six places behind the point, and nothing that PostgreSQL or a person could read otherwise. */
    private static final Pattern MONEY = Pattern.compile("[0-9]{1,7}(\\.[0-9]{1,6})?");

    private static final Pattern SHARE = Pattern.compile("0(\\.[0-9]{1,4})?|1(\\.0{1,4})?");
    private static final BigDecimal DEAREST = BigDecimal.valueOf(1_000_000);
    private static final Duration USUALLY_AHEAD = Duration.ofMinutes(2);

    private final PriceBook book;
    private final Catalog catalog;
    private final Tenants tenants;
    private final CurrentPerson person;
    private final Clock clock;

    @Inject
    PricesResource(PriceBook book, Catalog catalog, Tenants tenants, CurrentPerson person, Clock clock) {
        this.book = book;
        this.catalog = catalog;
        this.tenants = tenants;
        this.person = person;
        this.clock = clock;
    }

    /** All prices by model, tenant and instant; of one tenant: its own and the list's. */
    @GET
    @RolesAllowed({RealmRole.ADMIN, RealmRole.OFFICER, RealmRole.AUDITOR})
    public Page list(@QueryParam("tenant") @Nullable String tenant) {
        if (tenant != null && tenants.find(tenant).isEmpty()) {
            throw Tenants.unknown(tenant);
        }
        return new Page("list", book.list(tenant).stream().map(View::of).toList(), false);
    }

    /**
     * A model's next price, or a tenant's own of it, from an instant at least a minute ahead; without
     * {@code effective_from} two minutes from now. 201, or 409 where there is one from that instant.
     */
    @POST
    @RolesAllowed(RealmRole.ADMIN)
    public Response add(@Context HttpHeaders headers, InputStream body) {
        JsonFields fields = JsonFields.of(JsonBody.read(headers.getMediaType(), body));
        Price price = price(fields);
        fields.end();
        book.add(person.get(), price);
        return Response.status(Response.Status.CREATED).entity(View.of(price)).build();
    }

    private Price price(JsonFields fields) {
        String model = fields.text("model", 200);
        BigDecimal prompt = money(fields, "prompt");
        BigDecimal cached = money(fields, "cached_prompt");
        if (cached.compareTo(prompt) > 0) {
            throw fields.wrong("cached_prompt", "must not be more than prompt");
        }
        BigDecimal completion = money(fields, "completion");
        Instant from = instant(fields, "effective_from");
        if (from == null) {
            from = clock.instant().plus(USUALLY_AHEAD).truncatedTo(ChronoUnit.MILLIS);
        } else if (from.isBefore(clock.instant().plus(PriceBook.NOTICE))) {
            throw PriceBook.tooEarly();
        }
        Instant until = instant(fields, "effective_until");
        if (until != null && !until.isAfter(from)) {
            throw fields.wrong("effective_until", "must be after effective_from");
        }
        String tenant = fields.optionalText("tenant", 200);
        if (tenant == null && until != null) {
            throw fields.wrong("effective_until", "is for a tenant's own price; a list price holds until the next one");
        }
        if (tenant != null && model.equals(Price.ANY_MODEL)) {
            throw fields.wrong("model", "must name a model where the price is a tenant's own");
        }
        Price price = new Price(
                tenant,
                model,
                from,
                until,
                prompt,
                cached,
                completion,
                optionalMoney(fields, "adapter_premium"),
                optionalMoney(fields, "training"),
                share(fields));
        requireKnown(tenant, model);
        return price;
    }

    private void requireKnown(@Nullable String tenant, String model) {
        if (tenant != null && tenants.find(tenant).isEmpty()) {
            throw new ApiException(
                    ApiError.invalidRequest("tenant", "tenant_not_found", "tenant: there is no such one."));
        }
        if (!model.equals(Price.ANY_MODEL) && catalog.find(model).isEmpty()) {
            throw new ApiException(ApiError.invalidRequest(
                    "model",
                    "model_not_found",
                    "model: there is none of this id; register it first, or name * for all that have no price."));
        }
    }

    private static BigDecimal money(JsonFields fields, String name) {
        String text = fields.text(name, 20);
        if (!MONEY.matcher(text).matches() || new BigDecimal(text).compareTo(DEAREST) > 0) {
            throw fields.wrong(
                    name,
                    "must be US dollars a million tokens as text, such as \"0.25\": at most 1000000, with at most 6"
                            + " places behind the point");
        }
        return new BigDecimal(text);
    }

    private static BigDecimal optionalMoney(JsonFields fields, String name) {
        return fields.has(name) ? money(fields, name) : BigDecimal.ZERO;
    }

    private static BigDecimal share(JsonFields fields) {
        String text = fields.optionalText("batch_discount", 20);
        if (text == null) {
            return BigDecimal.ZERO;
        }
        if (!SHARE.matcher(text).matches()) {
            throw fields.wrong("batch_discount", "must be a share from \"0\" to \"1\" as text, such as \"0.5\"");
        }
        return new BigDecimal(text);
    }

    private static @Nullable Instant instant(JsonFields fields, String name) {
        String text = fields.optionalText(name, 40);
        if (text == null) {
            return null;
        }
        try {
            Instant at = Instant.parse(text);
            if (at.isAfter(Instant.parse("9999-01-01T00:00:00Z"))) {
                throw fields.wrong(name, "must be before the year 9999");
            }
            return at.truncatedTo(ChronoUnit.MILLIS);
        } catch (DateTimeException e) {
            throw fields.wrong(name, "must be an instant such as 2027-01-01T00:00:00Z");
        }
    }

    /** A price as the API shows it: US dollars a million tokens; {@code tenant} null is the list price. */
    public record View(
            String object,
            String currency,
            @Nullable String tenant,
            String model,
            @JsonProperty("effective_from") String effectiveFrom,
            @JsonProperty("effective_until") @Nullable String effectiveUntil,
            String prompt,
            @JsonProperty("cached_prompt") String cachedPrompt,
            String completion,
            @JsonProperty("adapter_premium") String adapterPremium,
            String training,
            @JsonProperty("batch_discount") String batchDiscount) {
        static View of(Price p) {
            Instant until = p.effectiveUntil();
            return new View(
                    "price",
                    Money.CURRENCY,
                    p.tenantId(),
                    p.model(),
                    p.effectiveFrom().toString(),
                    until == null ? null : until.toString(),
                    p.prompt().toPlainString(),
                    p.cachedPrompt().toPlainString(),
                    p.completion().toPlainString(),
                    p.adapterPremium().toPlainString(),
                    p.training().toPlainString(),
                    p.batchDiscount().toPlainString());
        }
    }

    /** A list of prices. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {}
}
