package io.altiplano.gateway.entitlement;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.jspecify.annotations.Nullable;

/**
 * How a scope stands: its limits, and what is used and held of them.
 *
 * @param tenantId whose
 * @param projectId the project, or "" for the tenant as a whole
 * @param limits in force
 * @param running requests under way
 * @param day of {@code dayUsed} and {@code dayHeld}
 * @param dayUsed tokens settled
 * @param dayHeld tokens that jobs under way may come to
 * @param month its first day
 * @param monthUsed as of the day
 * @param monthHeld as of the day
 * @param spent money, settled
 * @param spentHeld money that jobs under way may come to
 */
public record Standing(
        String tenantId,
        String projectId,
        LimitSet limits,
        long running,
        LocalDate day,
        long dayUsed,
        long dayHeld,
        LocalDate month,
        long monthUsed,
        long monthHeld,
        BigDecimal spent,
        BigDecimal spentHeld) {

    /**
     * A scope's limits; null is none.
     *
     * @param requestsPerMinute requests
     * @param tokensPerMinute tokens
     * @param concurrent requests under way
     * @param hardPerDay the least hard limit of tokens a day, beyond which requests are refused
     * @param hardPerMonth of tokens a month
     * @param hardBudget of money a month
     * @param tokensPerDay the least one, hard or soft, that alerts are about
     * @param tokensPerMonth of tokens a month
     * @param budgetPerMonth of money a month
     */
    public record LimitSet(
            @Nullable Long requestsPerMinute,
            @Nullable Long tokensPerMinute,
            @Nullable Long concurrent,
            @Nullable Long hardPerDay,
            @Nullable Long hardPerMonth,
            @Nullable BigDecimal hardBudget,
            @Nullable Long tokensPerDay,
            @Nullable Long tokensPerMonth,
            @Nullable BigDecimal budgetPerMonth) {}

    /**
     * A period's use.
     *
     * @param quota of which
     * @param limit the least limit, hard or soft; null: none
     * @param hard the least hard limit; null: none
     * @param used settled
     * @param held what jobs under way may come to
     * @param begins the period's first day
     * @param ends the first day of the next
     */
    public record Use(
            Quota quota,
            @Nullable BigDecimal limit,
            @Nullable BigDecimal hard,
            BigDecimal used,
            BigDecimal held,
            LocalDate begins,
            LocalDate ends) {}

    /** The use of a quota in the period of an instant, or in the one that the scope is in, should that be later. */
    public Use use(Quota quota, Instant at) {
        LocalDate today = LocalDate.ofInstant(at, ZoneOffset.UTC);
        LocalDate thisMonth = today.withDayOfMonth(1);
        boolean monthly = quota != Quota.TOKENS_PER_DAY;
        LocalDate now = monthly ? thisMonth : today;
        LocalDate counted = monthly ? month : day;
        boolean current = !counted.isBefore(now);
        LocalDate begins = current ? counted : now;
        LocalDate ends = monthly ? begins.plusMonths(1) : begins.plusDays(1);
        BigDecimal used =
                switch (quota) {
                    case TOKENS_PER_DAY -> BigDecimal.valueOf(dayUsed);
                    case TOKENS_PER_MONTH -> BigDecimal.valueOf(monthUsed);
                    case BUDGET_PER_MONTH -> spent;
                };
        BigDecimal held =
                switch (quota) {
                    case TOKENS_PER_DAY -> BigDecimal.valueOf(dayHeld);
                    case TOKENS_PER_MONTH -> BigDecimal.valueOf(monthHeld);
                    case BUDGET_PER_MONTH -> spentHeld;
                };
        return new Use(
                quota,
                limit(quota),
                hard(quota),
                current ? used : BigDecimal.ZERO,
                current ? held : BigDecimal.ZERO,
                begins,
                ends);
    }

    private @Nullable BigDecimal limit(Quota quota) {
        return switch (quota) {
            case TOKENS_PER_DAY -> decimal(limits.tokensPerDay());
            case TOKENS_PER_MONTH -> decimal(limits.tokensPerMonth());
            case BUDGET_PER_MONTH -> limits.budgetPerMonth();
        };
    }

    private @Nullable BigDecimal hard(Quota quota) {
        return switch (quota) {
            case TOKENS_PER_DAY -> decimal(limits.hardPerDay());
            case TOKENS_PER_MONTH -> decimal(limits.hardPerMonth());
            case BUDGET_PER_MONTH -> limits.hardBudget();
        };
    }

    private static @Nullable BigDecimal decimal(@Nullable Long value) {
        return value == null ? null : BigDecimal.valueOf(value);
    }
}
