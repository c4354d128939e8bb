package io.altiplano.gateway.entitlement;

import static io.altiplano.gateway.entitlement.Replica.explicit;
import static io.altiplano.gateway.entitlement.Replica.plan;
import static io.altiplano.gateway.entitlement.Replica.wide;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.SetClock;
import io.altiplano.gateway.web.ApiError;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How reservations end, and what is told of what they came to. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SettlementTest {
    @Inject
    Db db;

    @Inject
    Alerts alerts;

    private final SetClock clock = new SetClock(Replica.NOON);
    private String tenant = "";

    @BeforeEach
    void someTenant() {
        tenant = newTenant("settled", "community");
    }

    private Replica replica(Plan plan) {
        return new Replica(db, alerts, plan, clock);
    }

    private ApiError refusal(Replica replica, Demand demand) {
        return replica.refusal(tenant, demand);
    }

    private void set(Map<String, ?> limits) {
        Replica.set(tenant, limits);
    }

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

        Replica.eventually(() -> replica.standing(tenant).monthHeld() == 0);
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
        alive.reservations.tidy();
        assertThat(refusal(alive, explicit(1, 1)).code()).isEqualTo("rate_limit_exceeded");

        clock.pass(Duration.ofMillis(1));
        alive.reservations.tidy();
        alive.reservations.tidy();

        assertThat(alive.standing(tenant).running()).isZero();
        assertThat(alive.standing(tenant).monthHeld()).isZero();
        Demand next = explicit(100, 400);
        alive.reserve(tenant, next);
        alive.settle(late, 500, "0");
        assertThat(alive.standing(tenant).monthUsed()).isEqualTo(500);
        assertThat(alive.standing(tenant).running()).isEqualTo(1);
        assertThat(alive.standing(tenant).monthHeld()).isEqualTo(500);
    }

    @Test
    void whatAGatewayThatIsGoneHadReservedIsHeldForSecondsAndWhatOthersHadForItsTerm() {
        // given: one of the gateway's, one of another's, and one that any gateway may send
        UUID gone = UUID.randomUUID();
        Replica replica = replica(plan(1000, 1_000_000, 3, 10_000));
        Demand theirs = explicit(100, 400).of(gone);
        replica.reserve(tenant, theirs);
        replica.reserve(tenant, explicit(100, 400).of(UUID.randomUUID()));
        replica.reserve(tenant, explicit(100, 400));

        // when
        long found = replica.entitlements.desert(gone);
        clock.pass(Reservations.DESERTED.minusMillis(1));
        replica.reservations.tidy();
        long heldUntilThen = replica.standing(tenant).running();
        clock.pass(Duration.ofMillis(1));
        replica.reservations.tidy();

        // then
        assertThat(found).isOne();
        assertThat(heldUntilThen).isEqualTo(3);
        assertThat(replica.standing(tenant).running()).isEqualTo(2);
        assertThat(replica.standing(tenant).monthHeld()).isEqualTo(1000);
        assertThat(replica.entitlements.desert(gone)).isZero();
        replica.settle(theirs, 30, "0");
        assertThat(replica.standing(tenant).monthUsed()).isEqualTo(30);
    }

    @Test
    void whatEndsSoonerThanAGatewayIsMissedEndsNoLater() {
        UUID gone = UUID.randomUUID();
        Replica replica = replica(plan(1000, 1_000_000, 3, 10_000));
        replica.reserve(tenant, explicit(100, 400).of(gone));
        clock.pass(Replica.TERM.minusSeconds(5));

        assertThat(replica.entitlements.desert(gone)).isZero();
        clock.pass(Duration.ofSeconds(5));
        replica.reservations.tidy();

        assertThat(replica.standing(tenant).running()).isZero();
    }

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
