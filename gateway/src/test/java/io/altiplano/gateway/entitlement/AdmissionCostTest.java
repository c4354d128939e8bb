package io.altiplano.gateway.entitlement;

import static io.altiplano.gateway.entitlement.Replica.explicit;
import static io.altiplano.gateway.entitlement.Replica.wide;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.CutWire;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Infra;
import io.altiplano.gateway.testing.SetClock;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jboss.logging.Logger;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.postgres.PostgresPlugin;
import org.junit.jupiter.api.Test;

/** What letting a request in costs; docs/performance.md has the figures. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class AdmissionCostTest {
    private static final Logger LOG = Logger.getLogger(AdmissionCostTest.class);
    private static final int WARM = 50;
    private static final int ALONE = 200;
    private static final int TOGETHER = 64;
    private static final int EACH = 15;

    @Inject
    Db db;

    @Inject
    Alerts alerts;

    private static long[] times(int count, Runnable work) {
        long[] nanos = new long[count];
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            work.run();
            nanos[i] = System.nanoTime() - begin;
        }
        Arrays.sort(nanos);
        return nanos;
    }

    /** Round trips of an admission, and of the same in a transaction as others have it, over a wire of their own. */
    private static double[] turns(String tenant) throws SQLException {
        Infra infra = GatewayTestResource.get().infra();
        try (CutWire wire = new CutWire(infra.get("postgres.host"), Integer.parseInt(infra.get("postgres.port")));
                Connection beside = GatewayTestResource.get().as("tenant");
                Connection connection = DriverManager.getConnection(
                        "jdbc:postgresql://127.0.0.1:" + wire.port() + "/" + beside.getCatalog(),
                        GatewayTestResource.get().role("tenant"),
                        GatewayTestResource.get().password("tenant"))) {
            Jdbi jdbi = Jdbi.create(connection).installPlugin(new PostgresPlugin());
            Function<Handle, Object> admit = handle -> AdmissionStore.admit(
                    handle,
                    List.of(new Ask(tenant, "default", wide(), explicit(100, 400))),
                    Replica.NOON,
                    Replica.TERM);
            return new double[] {
                turns(wire, () -> jdbi.withHandle(admit::apply)),
                turns(
                        wire,
                        () -> jdbi.inTransaction(handle -> {
                            handle.execute("SELECT set_config('app.tenant', ?, true)", tenant);
                            return admit.apply(handle);
                        }))
            };
        }
    }

    private static double turns(CutWire wire, Runnable work) {
        times(WARM, work);
        long before = wire.sent();
        times(ALONE, work);
        return (double) (wire.sent() - before) / ALONE;
    }

    @Test
    void anAdmissionIsOneRoundTripAndManyShareOne() throws SQLException {
        String tenant = newTenant("cost", "community");
        Replica replica = new Replica(db, alerts, wide(), new SetClock(Replica.NOON));
        Runnable admit = () -> replica.reserve(tenant, explicit(100, 400));
        // What any change costs: one row of a table without rules, flushed to disk. No gateway claims such a partition.
        Runnable commit = () -> db.statement(handle -> handle.execute("""
                INSERT INTO reply_lease AS l (partition, nonce, holder, expires_at)
                VALUES (1000000, 0, gen_random_uuid(), 'infinity')
                ON CONFLICT (partition) DO UPDATE SET nonce = l.nonce + 1"""));
        times(WARM, admit);
        times(WARM, commit);

        long[] alone = times(ALONE, admit);
        long[] floor = times(ALONE, commit);
        double[] turns = turns(tenant);
        long beforeMany = GatewayTestResource.get().postgresWire().sent();
        long begin = System.nanoTime();
        AtomicInteger admitted = new AtomicInteger();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < TOGETHER; i++) {
                threads.execute(() -> {
                    for (int n = 0; n < EACH; n++) {
                        admit.run();
                        admitted.incrementAndGet();
                    }
                });
            }
        }
        double seconds = (System.nanoTime() - begin) / 1e9;
        long manyTurns = GatewayTestResource.get().postgresWire().sent() - beforeMany;

        LOG.infof(
                "admission alone: p50 %.2f ms, p99 %.2f ms; a statement that changes one row: p50 %.2f ms; %.2f round"
                        + " trips each (in a transaction as others have it: %.2f); %d at once: %.0f a second, %.2f round trips each",
                alone[ALONE / 2] / 1e6,
                alone[ALONE * 99 / 100] / 1e6,
                floor[ALONE / 2] / 1e6,
                turns[0],
                turns[1],
                TOGETHER,
                admitted.get() / seconds,
                (double) manyTurns / admitted.get());
        assertThat(admitted.get()).isEqualTo(TOGETHER * EACH);
        assertThat(turns[0]).isEqualTo(1);
        assertThat(turns[1]).isGreaterThanOrEqualTo(3);
        assertThat((double) manyTurns / admitted.get()).isLessThan(0.6);
    }
}
