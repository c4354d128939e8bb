package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.web.ApiError;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Why an ask was refused: the first cause in the order of {@link Cause}, the tenant's before the project's.
 *
 * @param cause of it
 * @param error what the client is told
 * @param forAll whether any request of the tenant and project would be refused for it now, whatever it asks
 * @param spent the quota that is used up, for an alert; null where none is
 */
record Refusal(
        Cause cause,
        ApiError error,
        boolean forAll,
        @Nullable Spent spent) {
    /** In order of precedence: first what no waiting helps against, then what comes back last. */
    enum Cause {
        /** A quota or budget does not reach. */
        QUOTA,
        /** More tokens than a whole minute gives. */
        TOO_LARGE,
        /** The minute's requests are taken. */
        REQUESTS,
        /** The minute's tokens are taken. */
        TOKENS,
        /** All places are taken. */
        CONCURRENT,
        /** What is left of a quota is held by requests under way. */
        HELD
    }

    /** A quota of which nothing is left. */
    record Spent(Standing standing, Standing.Use use) {}

    private static final Duration A_MOMENT = Duration.ofSeconds(1);

    /** @param demand null: a request without a job */
    static Refusal of(Verdict.Refused verdict, @Nullable Demand demand) {
        List<Standing> scopes = List.of(verdict.tenant(), verdict.project());
        Map<String, String> rates = RateHeaders.of(verdict);
        return quota(scopes, verdict, demand, rates)
                .or(() -> tooLarge(verdict, demand, rates))
                .or(() -> perMinute(Cause.REQUESTS, verdict.requests(), rate -> 1, "requests", rates))
                .or(() -> demand == null
                        ? Optional.empty()
                        : perMinute(
                                Cause.TOKENS,
                                verdict.tokens(),
                                rate -> demand.tokensWithin(rate.limit()),
                                "tokens",
                                rates))
                .or(() -> demand == null ? Optional.empty() : concurrent(scopes, demand, rates))
                .orElseGet(() -> held(rates));
    }

    private static Optional<Refusal> quota(
            List<Standing> scopes, Verdict.Refused verdict, @Nullable Demand demand, Map<String, String> rates) {
        if (demand == null) {
            return Optional.empty();
        }
        for (Standing scope : scopes) {
            for (Quota quota : Quota.values()) {
                Standing.Use use = scope.use(quota, verdict.at());
                BigDecimal need = quota == Quota.BUDGET_PER_MONTH
                        ? demand.leastPrice()
                        : BigDecimal.valueOf(demand.leastTokens());
                if (use.hard() != null && use.used().add(need).compareTo(use.hard()) > 0) {
                    return Optional.of(insufficient(scope, use, need, verdict, demand, rates));
                }
            }
        }
        return Optional.empty();
    }

    private static Refusal insufficient(
            Standing scope,
            Standing.Use use,
            BigDecimal need,
            Verdict.Refused verdict,
            Demand demand,
            Map<String, String> rates) {
        BigDecimal limit = use.hard() == null ? BigDecimal.ZERO : use.hard();
        BigDecimal left = limit.subtract(use.used()).subtract(use.held()).max(BigDecimal.ZERO);
        long answer = affordable(use.quota(), left, demand);
        String who = scope.projectId().isEmpty() ? "Your organization" : "The project " + scope.projectId();
        String message = who + " has used " + plain(use.used()) + " of " + plain(limit) + " of its "
                + use.quota().words() + " (" + use.quota().text() + "); this request may come to " + plain(need) + ". "
                + (answer > 0 && !demand.shrink() ? "Ask for a max_tokens of at most " + answer + ", or have" : "Have")
                + " the limit raised: an owner of your organization sees and sets its own at /v1/organization/limits, the plan's"
                + " is the platform's. It begins anew at "
                + use.ends().atStartOfDay().toInstant(ZoneOffset.UTC) + ".";
        Duration wait = Duration.between(verdict.at(), use.ends().atStartOfDay().toInstant(ZoneOffset.UTC));
        // Official clients do not try again; for those that do not know the header, the longest wait that they heed.
        Map<String, String> headers = new HashMap<>(rates);
        headers.putAll(
                ApiError.tooManyRequests("insufficient_quota", message, wait).headers());
        headers.put(ApiError.SHOULD_RETRY, "false");
        boolean nothingLeft = use.used().compareTo(limit) >= 0;
        ApiError error = new ApiError(
                429,
                "insufficient_quota",
                "insufficient_quota",
                message,
                answer > 0 && !demand.shrink() ? "max_tokens" : null,
                headers);
        // A request that is large itself says nothing about the quota; one of at most its tenth does.
        boolean spent = nothingLeft || need.multiply(BigDecimal.TEN).compareTo(limit) <= 0;
        return new Refusal(Cause.QUOTA, error, nothingLeft, spent ? new Spent(scope, use) : null);
    }

    /** Tokens of the longest answer that what is left pays for. */
    private static long affordable(Quota quota, BigDecimal left, Demand demand) {
        if (quota != Quota.BUDGET_PER_MONTH) {
            return (left.longValue() - demand.prompt()) / demand.answers();
        }
        BigDecimal forAnswer = left.subtract(BigDecimal.valueOf(demand.prompt()).multiply(demand.promptPrice()));
        if (demand.answerPrice().signum() == 0 || forAnswer.signum() < 0) {
            return forAnswer.signum();
        }
        return forAnswer
                .divideToIntegralValue(demand.answerPrice().multiply(BigDecimal.valueOf(demand.answers())))
                .min(BigDecimal.valueOf(demand.answer()))
                .longValue();
    }

    private static Optional<Refusal> tooLarge(
            Verdict.Refused verdict, @Nullable Demand demand, Map<String, String> rates) {
        if (demand == null) {
            return Optional.empty();
        }
        return verdict.tokens().stream()
                .filter(rate -> rate.exceededBy(demand.leastTokens()))
                .findFirst()
                .map(rate -> {
                    Map<String, String> headers = new HashMap<>(rates);
                    headers.put(ApiError.SHOULD_RETRY, "false");
                    String message =
                            "Request too large: it may come to " + demand.leastTokens() + " tokens, and the limit is "
                                    + rate.limit() + " tokens a minute. Shorten the messages or max_tokens.";
                    return new Refusal(Cause.TOO_LARGE, error(message, A_MOMENT, headers), false, null);
                });
    }

    private static Optional<Refusal> perMinute(
            Cause cause, List<Rate> rates, ToLongFunction<Rate> need, String what, Map<String, String> headers) {
        return rates.stream()
                .filter(rate -> rate.waitFor(need.applyAsLong(rate)).isPositive())
                .findFirst()
                .map(rate -> {
                    long amount = need.applyAsLong(rate);
                    Duration wait = rate.waitFor(amount);
                    String message = "More than " + rate.limit() + " " + what + " a minute: " + rate.remaining()
                            + " are left and this request takes " + amount + ". Try again in "
                            + RateHeaders.duration(wait) + ".";
                    return new Refusal(cause, error(message, wait, headers), cause == Cause.REQUESTS, null);
                });
    }

    private static Optional<Refusal> concurrent(List<Standing> scopes, Demand demand, Map<String, String> headers) {
        for (Standing scope : scopes) {
            Long most = scope.limits().concurrent();
            if (most != null && scope.running() + demand.answers() > most) {
                String whose = scope.projectId().isEmpty() ? "" : " in the project " + scope.projectId();
                String message = "More than " + most + " requests at one time" + whose
                        + ", each answer counted; wait until one has ended.";
                return Optional.of(new Refusal(Cause.CONCURRENT, error(message, A_MOMENT, headers), false, null));
            }
        }
        return Optional.empty();
    }

    private static Refusal held(Map<String, String> headers) {
        String message =
                "What is left of a quota or budget is held by requests under way; wait until one has ended, or ask for"
                        + " a smaller max_tokens.";
        return new Refusal(Cause.HELD, error(message, A_MOMENT, headers), false, null);
    }

    private static ApiError error(String message, Duration wait, Map<String, String> more) {
        ApiError e = ApiError.tooManyRequests("rate_limit_exceeded", message, wait);
        Map<String, String> headers = new HashMap<>();
        Stream.of(e.headers(), more).forEach(headers::putAll);
        return new ApiError(e.status(), e.type(), e.code(), e.message(), e.param(), headers);
    }

    private static String plain(BigDecimal amount) {
        return amount.signum() == 0 ? "0" : amount.stripTrailingZeros().toPlainString();
    }
}
