package io.altiplano.gateway.entitlement;

import static io.altiplano.gateway.entitlement.Replica.explicit;
import static io.altiplano.gateway.entitlement.Replica.plan;
import static io.altiplano.gateway.entitlement.Replica.wide;
import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.SetClock;
import io.altiplano.gateway.web.ApiException;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two hundred at once over two replicas, for what is left of a hard limit; and a way of counting that overshoots. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LastSeatTest {
    private static final int MANY = 200;

    @Inject
    Db db;

    @Inject
    Alerts alerts;

    private final SetClock clock = new SetClock(Replica.NOON);
    private String tenant = "";

    @BeforeEach
    void someTenant() {
        tenant = newTenant("seats", "community");
    }

    /** How many of two hundred virtual threads were let in. */
    private static int letIn(IntPredicate admit) {
        AtomicInteger admitted = new AtomicInteger();
        CountDownLatch ready = new CountDownLatch(MANY);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < MANY; i++) {
                int number = i;
                threads.execute(() -> {
                    ready.countDown();
                    try {
                        ready.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    if (admit.test(number)) {
                        admitted.incrementAndGet();
                    }
                });
            }
        }
        return admitted.get();
    }

    private IntPredicate twoReplicas(Plan plan, Supplier<Demand> demand) {
        List<Replica> replicas = List.of(new Replica(db, alerts, plan, clock), new Replica(db, alerts, plan, clock));
        return number -> {
            try {
                replicas.get(number % 2).reserve(tenant, demand.get());
                return true;
            } catch (ApiException e) {
                assertThat(e.error().status()).isEqualTo(429);
                return false;
            }
        };
    }

    @Test
    void ofTwoHundredOnTheLastPlaceOneWins() {
        assertThat(letIn(twoReplicas(plan(1_000_000, 1_000_000_000, 1, 1_000_000_000), () -> explicit(10, 10))))
                .isEqualTo(1);
    }

    @Test
    void ofTwoHundredForTheLastTokensOneWins() {
        assertThat(letIn(twoReplicas(plan(1_000_000, 1_000_000_000, 1000, 39), () -> explicit(10, 10))))
                .isEqualTo(1);
    }

    @Test
    void ofTwoHundredForABudgetSevenAreLetInWhereItIsEnoughForSeven() {
        as("admin")
                .body(Map.of("budget_per_month", "7.99"))
                .put("/admin/v1/tenants/" + tenant + "/projects/default/limits")
                .then()
                .statusCode(200);

        int admitted = letIn(twoReplicas(
                wide(),
                () -> new Demand(
                        List.of(Replica.job()), 10, 10, false, 1, new BigDecimal("0.05"), new BigDecimal("0.05"))));

        assertThat(admitted).isEqualTo(7);
        // What the project refused was not left with the tenant.
        Standing whole = new Replica(db, alerts, wide(), clock).standing(tenant);
        assertThat(whole.running()).isEqualTo(7);
        assertThat(whole.spentHeld()).isEqualByComparingTo("7");
        assertThat(whole.monthHeld()).isEqualTo(140);
    }

    @Test
    void theMinutesRequestsAreExactToo() {
        assertThat(letIn(twoReplicas(plan(50, 1_000_000_000, 1000, 1_000_000_000), () -> explicit(10, 10))))
                .isEqualTo(50);
    }

    @Test
    void checkingFirstAndTakingAfterwardsOvershoots() {
        CountDownLatch checked = new CountDownLatch(MANY);
        new Replica(db, alerts, wide(), clock).reserve(tenant, explicit(1, 1)).release();

        int admitted = letIn(number -> {
            long running = db.tenant(
                    tenant,
                    handle -> handle.createQuery("SELECT running FROM limit_use WHERE project_id = ''")
                            .mapTo(Long.class)
                            .one());
            checked.countDown();
            try {
                checked.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return running < 2
                    && db.tenant(
                                    tenant,
                                    handle -> handle.execute(
                                            "UPDATE limit_use SET running = running + 1 WHERE project_id = ''"))
                            == 1;
        });

        assertThat(admitted).isGreaterThan(2);
    }
}
