package io.altiplano.gateway.entitlement;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.altiplano.gateway.web.JsonFields;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Limits in the JSON of the organization's and the admin's API. Money is a decimal in a string. */
public final class LimitViews {
    private static final Pattern MONEY = Pattern.compile("[0-9]{1,14}(\\.[0-9]{1,6})?");

    private LimitViews() {}

    /**
     * Reads {@code {requests_per_minute?, tokens_per_minute?, concurrent?, tokens_per_day?, tokens_per_month?,
     * budget_per_month?, soft?}}, all of it.
     *
     * @throws io.altiplano.gateway.web.ApiException 400 with the first field at fault
     */
    public static LimitOverride read(JsonFields fields, String tenantId, String projectId, LimitOverride.SetBy setBy) {
        LimitOverride read = new LimitOverride(
                tenantId,
                projectId,
                setBy,
                count(fields, "requests_per_minute", 1),
                count(fields, "tokens_per_minute", 1),
                count(fields, "concurrent", 1),
                count(fields, "tokens_per_day", 0),
                count(fields, "tokens_per_month", 0),
                money(fields),
                soft(fields));
        fields.end();
        return read;
    }

    private static @Nullable Long count(JsonFields fields, String name, long least) {
        if (!fields.has(name)) {
            return null;
        }
        long value = fields.count(name);
        if (value < least) {
            throw fields.wrong(name, "must be at least " + least + "; leave it out for no limit of its own");
        }
        return value;
    }

    private static @Nullable BigDecimal money(JsonFields fields) {
        String text = fields.optionalText("budget_per_month", 24);
        if (text == null) {
            return null;
        }
        if (!MONEY.matcher(text).matches()) {
            throw fields.wrong(
                    "budget_per_month", "must be a decimal in a string, such as \"250.00\", with at most 6 places");
        }
        return new BigDecimal(text);
    }

    private static Set<Quota> soft(JsonFields fields) {
        Set<Quota> soft = EnumSet.noneOf(Quota.class);
        for (String name : fields.texts("soft", 40)) {
            soft.add(Stream.of(Quota.values())
                    .filter(quota -> quota.text().equals(name))
                    .findFirst()
                    .orElseThrow(() ->
                            fields.wrong("soft", "must be of tokens_per_day, tokens_per_month, budget_per_month")));
        }
        return soft;
    }

    /** A tenant's limits, the tenant's as a whole first, then its projects'. */
    public record Page(
            String object,
            List<View> data,
            @JsonProperty("has_more") boolean hasMore) {
        /** Of an overview. */
        public static Page of(Limits.Overview overview) {
            return new Page(
                    "list",
                    overview.standings().stream().map(s -> View.of(s, overview)).toList(),
                    false);
        }
    }

    /**
     * A scope's limits and what is used of them; null is no limit.
     *
     * @param project its id; null: the tenant as a whole
     * @param running requests under way
     * @param setByPlatform what takes the plan's place, if anything does
     * @param setByTenant what the tenant set for itself, if it did
     */
    public record View(
            String object,
            @Nullable String project,
            @JsonProperty("requests_per_minute") @Nullable Long requestsPerMinute,
            @JsonProperty("tokens_per_minute") @Nullable Long tokensPerMinute,
            @Nullable Long concurrent,
            long running,
            @JsonProperty("tokens_per_day") TokenUse tokensPerDay,
            @JsonProperty("tokens_per_month") TokenUse tokensPerMonth,
            @JsonProperty("budget_per_month") MoneyUse budgetPerMonth,
            @JsonProperty("set_by_platform") @Nullable Setting setByPlatform,
            @JsonProperty("set_by_tenant") @Nullable Setting setByTenant) {
        static View of(Standing s, Limits.Overview overview) {
            return new View(
                    "limits",
                    s.projectId().isEmpty() ? null : s.projectId(),
                    s.limits().requestsPerMinute(),
                    s.limits().tokensPerMinute(),
                    s.limits().concurrent(),
                    s.running(),
                    TokenUse.of(s.use(Quota.TOKENS_PER_DAY, overview.at())),
                    TokenUse.of(s.use(Quota.TOKENS_PER_MONTH, overview.at())),
                    MoneyUse.of(s.use(Quota.BUDGET_PER_MONTH, overview.at())),
                    override(s, overview, LimitOverride.SetBy.PLATFORM),
                    override(s, overview, LimitOverride.SetBy.TENANT));
        }

        private static @Nullable Setting override(Standing s, Limits.Overview overview, LimitOverride.SetBy setBy) {
            return overview.overrides().stream()
                    .filter(o -> o.projectId().equals(s.projectId()) && o.setBy() == setBy)
                    .findFirst()
                    .map(Setting::of)
                    .orElse(null);
        }
    }

    /**
     * Tokens of a period.
     *
     * @param limit the least limit; beyond {@code hard} requests are refused, beyond one that is not there are alerts alone
     * @param held what requests under way may come to
     * @param ends when the period ends and begins anew, an instant
     */
    public record TokenUse(
            @Nullable Long limit, @Nullable Long hard, long used, long held, String begins, String ends) {
        static TokenUse of(Standing.Use u) {
            return new TokenUse(
                    u.limit() == null ? null : u.limit().longValue(),
                    u.hard() == null ? null : u.hard().longValue(),
                    u.used().longValue(),
                    u.held().longValue(),
                    instant(u.begins().atStartOfDay().toInstant(ZoneOffset.UTC)),
                    instant(u.ends().atStartOfDay().toInstant(ZoneOffset.UTC)));
        }
    }

    /** Money of a period, as {@link TokenUse}. */
    public record MoneyUse(
            @Nullable String limit, @Nullable String hard, String used, String held, String begins, String ends) {
        static MoneyUse of(Standing.Use u) {
            return new MoneyUse(
                    plain(u.limit()),
                    plain(u.hard()),
                    Objects.requireNonNull(plain(u.used())),
                    Objects.requireNonNull(plain(u.held())),
                    instant(u.begins().atStartOfDay().toInstant(ZoneOffset.UTC)),
                    instant(u.ends().atStartOfDay().toInstant(ZoneOffset.UTC)));
        }
    }

    /** What one side set. */
    public record Setting(
            @JsonProperty("requests_per_minute") @Nullable Long requestsPerMinute,
            @JsonProperty("tokens_per_minute") @Nullable Long tokensPerMinute,
            @Nullable Long concurrent,
            @JsonProperty("tokens_per_day") @Nullable Long tokensPerDay,
            @JsonProperty("tokens_per_month") @Nullable Long tokensPerMonth,
            @JsonProperty("budget_per_month") @Nullable String budgetPerMonth,
            List<String> soft) {
        static Setting of(LimitOverride o) {
            return new Setting(
                    o.requestsPerMinute(),
                    o.tokensPerMinute(),
                    o.concurrent(),
                    o.tokensPerDay(),
                    o.tokensPerMonth(),
                    plain(o.budgetPerMonth()),
                    o.soft().stream().sorted().map(Quota::text).toList());
        }
    }

    /**
     * An alert.
     *
     * @param project its id; null: the tenant as a whole
     * @param period the period's first day
     * @param threshold per cent
     * @param used then, a decimal in a string, as {@code limitValue} is
     * @param at seconds of the Unix epoch
     */
    public record AlertView(
            String object,
            @Nullable String project,
            @JsonProperty("limit_name") String limitName,
            String period,
            int threshold,
            String used,
            @JsonProperty("limit_value") String limitValue,
            long at) {
        static AlertView of(LimitAlert a) {
            return new AlertView(
                    "limit_alert",
                    a.projectId().isEmpty() ? null : a.projectId(),
                    a.limitName(),
                    a.period().toString(),
                    a.threshold(),
                    a.used().toPlainString(),
                    a.limitValue().toPlainString(),
                    a.at().getEpochSecond());
        }
    }

    /** A list of alerts, newest first; the newest thousand. */
    public record AlertPage(
            String object,
            List<AlertView> data,
            @JsonProperty("has_more") boolean hasMore) {
        /** Of alerts. */
        public static AlertPage of(List<LimitAlert> alerts) {
            return new AlertPage("list", alerts.stream().map(AlertView::of).toList(), false);
        }
    }

    private static @Nullable String plain(@Nullable BigDecimal amount) {
        return Optional.ofNullable(amount)
                .map(a -> a.signum() == 0 ? "0" : a.stripTrailingZeros().toPlainString())
                .orElse(null);
    }

    private static String instant(Instant instant) {
        return instant.toString();
    }
}
