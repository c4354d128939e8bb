package io.altiplano.gateway.entitlement;

import static io.altiplano.gateway.entitlement.Replica.explicit;
import static io.altiplano.gateway.entitlement.Replica.open;
import static io.altiplano.gateway.entitlement.Replica.plan;
import static io.altiplano.gateway.entitlement.Replica.wide;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.SetClock;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Limits on the real database, with the clock in the test's hand. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ReservationsTest {
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(20);

    @Inject
    Db db;

    @Inject
    Alerts alerts;

    private final SetClock clock = new SetClock(Replica.NOON);
    private String tenant = "";

    @BeforeEach
    void someTenant() {
        tenant = newTenant("limited", "community");
    }

    private Replica replica(Plan plan) {
        return new Replica(db, alerts, plan, clock);
    }

    private ApiError refusal(Replica replica, Demand demand) {
        ApiException refused = catchThrowableOfType(ApiException.class, () -> replica.reserve(tenant, demand));
        assertThat(refused).isNotNull();
        assertThat(refused.error().status()).isEqualTo(429);
        return refused.error();
    }

    private void set(Map<String, ?> limits) {
        as("admin")
                .body(limits)
                .put("/admin/v1/tenants/" + tenant + "/limits")
                .then()
                .statusCode(200);
    }

    private static void eventually(BooleanSupplier holds) {
        long begin = System.nanoTime();
        while (!holds.getAsBoolean()) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(LONG_ENOUGH);
            LockSupport.parkNanos(2_000_000);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- rates

    @Test
    void theMinutesRequestsRunOutAndComeBackOneByOneOverTwoReplicas() {
        Replica one = replica(plan(6, 1_000_000, 100, 1_000_000));
        Replica two = replica(plan(6, 1_000_000, 100, 1_000_000));
        for (int i = 0; i < 3; i++) {
            one.reserve(tenant, explicit(1, 1)).close();
            Admission last = two.reserve(tenant, explicit(1, 1));
            assertThat(last.headers())
                    .containsEntry("x-ratelimit-limit-requests", "6")
                    .containsEntry("x-ratelimit-remaining-requests", Integer.toString(4 - 2 * i));
            last.close();
        }

        ApiError error = refusal(one, explicit(1, 1));

        assertThat(error.code()).isEqualTo("rate_limit_exceeded");
        assertThat(error.headers())
                .containsEntry("retry-after", "10")
                .containsEntry("x-ratelimit-limit-requests", "6")
                .containsEntry("x-ratelimit-remaining-requests", "0")
                .containsEntry("x-ratelimit-reset-requests", "1m0s");
        clock.pass(Duration.ofSeconds(10));
        two.reserve(tenant, explicit(1, 1)).close();
        assertThat(refusal(two, explicit(1, 1)).code()).isEqualTo("rate_limit_exceeded");
    }

    @Test
    void oneTenantsLimitIsNotAnothers() {
        Replica replica = replica(plan(1, 1_000_000, 100, 1_000_000));
        replica.reserve(tenant, explicit(1, 1));

        Admission others = replica.reserve(newTenant("other", "community"), explicit(1, 1));

        assertThat(others.headers()).containsEntry("x-ratelimit-remaining-requests", "0");
    }

    @Test
    void tokensAMinuteCountWhatAJobMayComeToAndWhatItDidNotComesBack() {
        Replica replica = replica(plan(1000, 600, 100, 1_000_000));
        Demand first = explicit(100, 400);
        Admission admitted = replica.reserve(tenant, first);
        assertThat(admitted.headers())
                .containsEntry("x-ratelimit-limit-tokens", "600")
                .containsEntry("x-ratelimit-remaining-tokens", "100")
                .containsEntry("x-ratelimit-reset-tokens", "50s");
        assertThat(refusal(replica, explicit(100, 400)).headers()).containsEntry("retry-after", "40");

        clock.pass(Duration.ofSeconds(2));
        replica.settle(first, 150, "0");

        // 50 s were taken for 500 tokens, 35 s of them for the 350 that were not used; 2 s had come back by themselves.
        assertThat(replica.reserve(tenant, explicit(50, 400)).headers())
                .containsEntry("x-ratelimit-remaining-tokens", "0");
    }

    @Test
    void whatTimeHasGivenBackIsNotGivenBackAgain() {
        Replica replica = replica(plan(1000, 600, 100, 1_000_000));
        Demand first = explicit(0, 600);
        replica.reserve(tenant, first);
        clock.pass(Duration.ofSeconds(55));
        replica.reserve(tenant, explicit(0, 500));

        replica.settle(first, 0, "0");

        // Without the first there would be 100 left; with all of its minute given back there would be 600.
        assertThat(refusal(replica, explicit(0, 101)).code()).isEqualTo("rate_limit_exceeded");
        replica.reserve(tenant, explicit(0, 100));
    }

    @Test
    void moreThanAMinuteGivesIsRefusedForGood() {
        Replica replica = replica(plan(1000, 600, 100, 1_000_000));

        ApiError error = refusal(replica, explicit(500, 200));

        assertThat(error.code()).isEqualTo("rate_limit_exceeded");
        assertThat(error.message()).contains("600 tokens a minute");
        assertThat(error.headers()).containsEntry("x-should-retry", "false");
        // One that names no max_tokens makes do with less.
        assertThat(replica.reserve(tenant, open(500, 200)).maxTokens()).isEqualTo(100);
    }

    @Test
    void aRefusalForAllIsRepeatedFromMemory() {
        Replica replica = replica(plan(1, 1_000_000, 100, 1_000_000));
        replica.entitlements.heed(Replica.caller(tenant, "default"));
        replica.reserve(tenant, explicit(1, 1));
        refusal(replica, explicit(1, 1));

        assertThatThrownBy(() -> replica.entitlements.heed(Replica.caller(tenant, "default")))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.error().code()).isEqualTo("rate_limit_exceeded"));
    }

    @Test
    void aRequestThatFailsByItsOwnFaultTakesOneOfTheMinute() {
        Replica replica = replica(plan(2, 1_000_000, 1, 1_000_000));
        ApiException bad = new ApiException(ApiError.invalidRequest("messages", "empty_prompt", "Empty."));

        ApiException told = replica.entitlements.counted(Replica.caller(tenant, "default"), bad);

        assertThat(told.error().code()).isEqualTo("empty_prompt");
        assertThat(told.error().headers()).containsEntry("x-ratelimit-remaining-requests", "1");
        assertThat(replica.standing(tenant).running()).isZero();
    }

    // ------------------------------------------------------------------------------------------------- places, quotas

    @Test
    void whoWaitsForEachAnswerIsNeverRefusedAtOnePlace() {
        Replica one = replica(plan(1000, 1_000_000, 1, 1_000_000));
        Replica two = replica(plan(1000, 1_000_000, 1, 1_000_000));

        for (int i = 0; i < 10; i++) {
            (i % 2 == 0 ? one : two).reserve(tenant, explicit(1, 1)).close();
        }

        eventually(() -> one.standing(tenant).running() == 0);
    }

    @Test
    void placesAreExactOverTwoReplicasAndGivenBackOnce() {
        Replica one = replica(plan(1000, 1_000_000, 3, 1_000_000));
        Replica two = replica(plan(1000, 1_000_000, 3, 1_000_000));
        Admission first = one.reserve(tenant, explicit(1, 1));
        two.reserve(tenant, explicit(1, 1));
        one.reserve(tenant, explicit(1, 1));
        ApiError error = refusal(two, explicit(1, 1));
        assertThat(error.code()).isEqualTo("rate_limit_exceeded");
        assertThat(error.message()).contains("3 requests at one time");

        first.close();
        first.close();
        first.release();

        eventually(() -> one.standing(tenant).running() == 2);
        two.reserve(tenant, explicit(1, 1));
        assertThat(refusal(one, explicit(1, 1)).code()).isEqualTo("rate_limit_exceeded");
        assertThat(one.entitlements.underWay()).isEqualTo(1);
    }

    @Test
    void aRequestForSeveralAnswersTakesAPlaceForEachAndItsPromptOnce() {
        Replica replica = replica(plan(1000, 1_000_000, 3, 1000));
        Demand three = several(3, 100, 50);
        Admission admitted = replica.reserve(tenant, three);
        assertThat(admitted.headers()).containsEntry("x-ratelimit-remaining-requests", "999");
        assertThat(replica.standing(tenant).running()).isEqualTo(3);
        assertThat(replica.standing(tenant).monthHeld()).isEqualTo(250);
        assertThat(refusal(replica, explicit(1, 1)).message()).contains("3 requests at one time");

        replica.settle(
                new Demand(three.jobs().subList(1, 2), 0, 1, false, 1, BigDecimal.ZERO, BigDecimal.ZERO), 20, "0");

        assertThat(replica.standing(tenant).running()).isEqualTo(2);
        assertThat(replica.standing(tenant).monthHeld()).isEqualTo(200);
        assertThat(replica.standing(tenant).monthUsed()).isEqualTo(20);
        admitted.close();
        eventually(() -> replica.standing(tenant).running() == 0);
        // 1000 less 20 and 200, less the prompt of 100: 680 for three answers.
        Demand open = new Demand(
                List.of(Replica.job(), Replica.job(), Replica.job()),
                100,
                512,
                true,
                1,
                BigDecimal.ZERO,
                BigDecimal.ZERO);
        assertThat(replica.reserve(tenant, open).maxTokens()).isEqualTo(226);
    }

    private static Demand several(int answers, long prompt, long answer) {
        return new Demand(
                Stream.generate(Replica::job).limit(answers).toList(),
                prompt,
                answer,
                false,
                1,
                BigDecimal.ZERO,
                BigDecimal.ZERO);
    }

    @Test
    void anExplicitLengthThatIsNotAffordableIsRefusedWithTheLimitAndTheRemedy() {
        Replica replica = replica(plan(1000, 1_000_000, 100, 1000));

        ApiError error = refusal(replica, explicit(100, 901));

        assertThat(error.code()).isEqualTo("insufficient_quota");
        assertThat(error.type()).isEqualTo("insufficient_quota");
        assertThat(error.param()).isEqualTo("max_tokens");
        assertThat(error.message())
                .contains("0 of 1000 of its tokens a month (tokens_per_month)")
                .contains("max_tokens of at most 900")
                .contains("/v1/organization/limits")
                .contains("2031-07-01T00:00:00Z");
        assertThat(error.headers()).containsEntry("x-should-retry", "false").containsKey("retry-after");
        assertThat(replica.reserve(tenant, explicit(100, 900)).maxTokens()).isEqualTo(900);
    }

    @Test
    void anAbsentLengthBecomesWhatIsAffordable() {
        Replica replica = replica(plan(1000, 1_000_000, 100, 1000));

        assertThat(replica.reserve(tenant, open(100, 512)).maxTokens()).isEqualTo(512);
        assertThat(replica.reserve(tenant, open(100, 512)).maxTokens()).isEqualTo(288);

        // All of it is held and nothing used: waiting may help.
        assertThat(refusal(replica, open(100, 512)).code()).isEqualTo("rate_limit_exceeded");
    }

    @Test
    void anAbsentLengthIsNeverLessThanMinTokens() {
        Replica replica = replica(plan(1000, 1_000_000, 100, 1000));
        Demand wantsMore = new Demand(List.of(Replica.job()), 600, 512, true, 401, BigDecimal.ZERO, BigDecimal.ZERO);
        Demand wantsThat = new Demand(List.of(Replica.job()), 600, 512, true, 400, BigDecimal.ZERO, BigDecimal.ZERO);

        assertThat(refusal(replica, wantsMore).code()).isEqualTo("insufficient_quota");
        assertThat(replica.reserve(tenant, wantsThat).maxTokens()).isEqualTo(400);
    }

    @Test
    void moneyIsReservedByPriceAndSettledByCost() {
        set(Map.of("budget_per_month", "1.00"));
        Replica replica = replica(wide());
        BigDecimal read = new BigDecimal("0.0001");
        BigDecimal written = new BigDecimal("0.001");
        Demand first = new Demand(List.of(Replica.job()), 1000, 800, false, 1, read, written);
        replica.reserve(tenant, first);
        assertThat(refusal(replica, new Demand(List.of(Replica.job()), 1000, 1, false, 1, read, written))
                        .code())
                .isEqualTo("rate_limit_exceeded");

        replica.settle(first, 1300, "0.4");

        assertThat(replica.use(tenant, Quota.BUDGET_PER_MONTH).used()).isEqualByComparingTo("0.4");
        assertThat(replica.use(tenant, Quota.BUDGET_PER_MONTH).held()).isEqualByComparingTo("0");
        ApiError error = refusal(replica, new Demand(List.of(Replica.job()), 1000, 501, false, 1, read, written));
        assertThat(error.code()).isEqualTo("insufficient_quota");
        assertThat(error.message()).contains("budget_per_month").contains("max_tokens of at most 500");
        assertThat(replica.reserve(tenant, new Demand(List.of(Replica.job()), 1000, 512, true, 1, read, written))
                        .maxTokens())
                .isEqualTo(500);
    }

    // ------------------------------------------------------------------------------------------------------- periods

    @Test
    void aDayRollsAtMidnightOfUtcAndAMonthAtItsFirstMidnight() {
        set(Map.of("tokens_per_day", 1000, "tokens_per_month", 5000));
        Replica replica = replica(wide());
        clock.set(Instant.parse("2031-06-29T23:59:59Z"));
        Demand first = explicit(0, 1000);
        replica.reserve(tenant, first);
        replica.settle(first, 1000, "0");
        ApiError error = refusal(replica, explicit(0, 1));
        assertThat(error.message()).contains("tokens_per_day").contains("2031-06-30T00:00:00Z");

        clock.set(Instant.parse("2031-06-30T00:00:00Z"));
        replica.reserve(tenant, explicit(0, 1000));

        assertThat(replica.use(tenant, Quota.TOKENS_PER_DAY).used()).isEqualByComparingTo("0");
        assertThat(replica.use(tenant, Quota.TOKENS_PER_MONTH).used()).isEqualByComparingTo("1000");
        clock.set(Instant.parse("2031-07-01T00:00:00Z"));
        replica.reserve(tenant, explicit(0, 1));
        assertThat(replica.use(tenant, Quota.TOKENS_PER_MONTH).used()).isEqualByComparingTo("0");
    }

    @Test
    void aJobCountsInThePeriodOfItsAdmission() {
        set(Map.of("tokens_per_day", 1000));
        Replica replica = replica(wide());
        clock.set(Instant.parse("2031-06-29T23:59:59Z"));
        Demand late = explicit(0, 800);
        replica.reserve(tenant, late);
        clock.set(Instant.parse("2031-06-30T00:00:01Z"));
        Demand next = explicit(0, 900);
        replica.reserve(tenant, next);

        replica.settle(late, 800, "0");

        assertThat(replica.use(tenant, Quota.TOKENS_PER_DAY).used()).isEqualByComparingTo("0");
        assertThat(replica.use(tenant, Quota.TOKENS_PER_DAY).held()).isEqualByComparingTo("900");
        assertThat(replica.use(tenant, Quota.TOKENS_PER_MONTH).used()).isEqualByComparingTo("800");
        replica.settle(next, 900, "0");
        assertThat(replica.use(tenant, Quota.TOKENS_PER_DAY).used()).isEqualByComparingTo("900");
    }

    @Test
    void aClockThatJumpsBackForgetsNothing() {
        set(Map.of("tokens_per_day", 1000));
        Replica replica = replica(wide());
        Demand first = explicit(0, 1000);
        replica.reserve(tenant, first);
        replica.settle(first, 1000, "0");

        clock.pass(Duration.ofDays(-3));

        assertThat(refusal(replica, explicit(0, 1)).code()).isEqualTo("insufficient_quota");
    }

    @Test
    void aClockThatRanAheadAndIsPutBackDoesNotHoldUpTheRate() {
        Replica replica = replica(plan(6, 1_000_000, 100, 1_000_000));
        clock.pass(Duration.ofDays(3));
        replica.reserve(tenant, explicit(1, 1));

        clock.set(Replica.NOON);

        assertThat(replica.reserve(tenant, explicit(1, 1)).headers())
                .containsEntry("x-ratelimit-remaining-requests", "5");
    }

    // -------------------------------------------------------------------------------------------- settlement, expiry

    @Test
    void whoeverSettlesTwiceIsOnceAndNothingIsLeftOver() {
        Replica one = replica(plan(1000, 1_000_000, 2, 10_000));
        Replica two = replica(plan(1000, 1_000_000, 2, 10_000));
        Demand job = explicit(100, 400);
        one.reserve(tenant, job);

        two.settle(job, 250, "0");
        one.settle(job, 250, "0");
        two.settle(job, 250, "0");

        for (String scope : List.of("", "default")) {
            Standing s = one.standing(tenant, scope);
            assertThat(s.running()).isZero();
            assertThat(s.monthUsed()).isEqualTo(250);
            assertThat(s.monthHeld()).isZero();
            assertThat(s.dayHeld()).isZero();
            assertThat(s.spentHeld()).isEqualByComparingTo("0");
        }
    }

    @Test
    void aJobThatWasNotSentHoldsNothingAndCountsShouldItEndAfterAll() {
        Replica replica = replica(plan(1000, 1_000_000, 2, 10_000));
        Demand job = explicit(100, 400);

        replica.reserve(tenant, job).release();

        eventually(() -> replica.standing(tenant).monthHeld() == 0);
        assertThat(replica.standing(tenant).running()).isZero();
        replica.settle(job, 30, "0");
        assertThat(replica.standing(tenant).monthUsed()).isEqualTo(30);
        assertThat(replica.standing(tenant).running()).isZero();
    }

    @Test
    void aDeadGatewaysReservationsExpireAndALateEndStillCounts() {
        Replica dead = replica(plan(1000, 1_000_000, 2, 1000));
        Demand lost = explicit(100, 400);
        Demand late = explicit(100, 400);
        dead.reserve(tenant, lost);
        dead.reserve(tenant, late);
        Replica alive = replica(plan(1000, 1_000_000, 2, 1000));
        clock.pass(Replica.TERM.minusMillis(1));
        alive.reservations.expire();
        assertThat(refusal(alive, explicit(1, 1)).code()).isEqualTo("rate_limit_exceeded");

        clock.pass(Duration.ofMillis(1));
        alive.reservations.expire();
        alive.reservations.expire();

        assertThat(alive.standing(tenant).running()).isZero();
        assertThat(alive.standing(tenant).monthHeld()).isZero();
        Demand next = explicit(100, 400);
        alive.reserve(tenant, next);
        alive.settle(late, 500, "0");
        assertThat(alive.standing(tenant).monthUsed()).isEqualTo(500);
        assertThat(alive.standing(tenant).running()).isEqualTo(1);
        assertThat(alive.standing(tenant).monthHeld()).isEqualTo(500);
    }

    // -------------------------------------------------------------------------------------------------------- alerts

    @Test
    void aSoftLimitRefusesNothingAndAlertsOnceAtEachThreshold() {
        set(Map.of("tokens_per_month", 1000, "soft", List.of("tokens_per_month")));
        Replica replica = replica(wide());
        List<Integer> raised = new ArrayList<>();

        for (int i = 0; i < 6; i++) {
            Demand job = explicit(0, 250);
            replica.reserve(tenant, job);
            replica.settle(job, 250, "0").stream()
                    .map(LimitAlert::threshold)
                    .sorted()
                    .forEach(raised::add);
        }

        assertThat(raised).containsExactly(50, 80, 100);
        assertThat(alerts.list(tenant)).hasSize(3).allSatisfy(a -> {
            assertThat(a.limitName()).isEqualTo("tokens_per_month");
            assertThat(a.projectId()).isEmpty();
            assertThat(a.limitValue()).isEqualByComparingTo("1000");
        });
        clock.set(Instant.parse("2031-07-02T00:00:00Z"));
        Demand next = explicit(0, 600);
        replica.reserve(tenant, next);
        assertThat(replica.settle(next, 600, "0"))
                .singleElement()
                .satisfies(a -> assertThat(a.threshold()).isEqualTo(50));
    }

    @Test
    void aHardLimitThatIsNeverReachedToTheTokenAlertsWhenItRefuses() {
        Replica replica = replica(plan(1000, 1_000_000, 100, 1000));
        Demand first = explicit(0, 980);
        replica.reserve(tenant, first);
        replica.settle(first, 980, "0");
        assertThat(alerts.list(tenant)).extracting(LimitAlert::threshold).containsExactlyInAnyOrder(50, 80);

        refusal(replica, explicit(10, 50));
        refusal(replica, explicit(10, 50));

        assertThat(alerts.list(tenant)).extracting(LimitAlert::threshold).containsExactlyInAnyOrder(50, 80, 100);
    }
}
