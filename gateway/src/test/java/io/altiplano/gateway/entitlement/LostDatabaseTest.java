package io.altiplano.gateway.entitlement;

import static io.altiplano.gateway.entitlement.Replica.explicit;
import static io.altiplano.gateway.entitlement.Replica.plan;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.CutWire;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.SetClock;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What reservations come to whose gateway loses the database on the way. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LostDatabaseTest {
    @Inject
    Db db;

    @Inject
    Alerts alerts;

    private String tenant = "";

    @BeforeEach
    void someTenant() {
        tenant = newTenant("lost", "community");
    }

    @AfterEach
    void heal() {
        wire().heal();
        // Every pool has connections that are none any more.
        Replica.eventually(() -> there(() -> {
            db.ledger(LostDatabaseTest::asked);
            db.operator(LostDatabaseTest::asked);
            db.auth(LostDatabaseTest::asked);
            db.platform(LostDatabaseTest::asked);
        }));
    }

    private static boolean asked(Handle handle) {
        return handle.createQuery("SELECT true").mapTo(Boolean.class).one();
    }

    private static CutWire wire() {
        return GatewayTestResource.get().postgresWire();
    }

    private static boolean there(Runnable work) {
        try {
            work.run();
            return true;
        } catch (DatabaseUnavailableException e) {
            return false;
        }
    }

    private Replica replica() {
        return new Replica(db, alerts, plan(1000, 1_000_000, 2, 1000), new SetClock(Replica.NOON));
    }

    @Test
    void whatCouldNotBeEndedIsEndedWhenTheDatabaseIsBack() {
        // given
        Replica replica = replica();
        Admission answered = replica.reserve(tenant, explicit(100, 100));
        Admission unsent = replica.reserve(tenant, explicit(100, 400));
        wire().cut();
        answered.close();
        unsent.release();
        Replica.eventually(() -> replica.reservations.undone() == 2);
        heal();
        assertThat(replica.standing(tenant).running()).isEqualTo(2);

        // when
        replica.reservations.tidy();

        // then
        assertThat(replica.reservations.undone()).isZero();
        assertThat(replica.standing(tenant).running()).isZero();
        // The answered one holds what it may have come to until that is known.
        assertThat(replica.standing(tenant).monthHeld()).isEqualTo(200);
    }

    @Test
    void anAdmissionThatIsCommittedAfterItsGatewayLostSightOfItHoldsNothingForLong() throws Exception {
        // given
        Replica replica = replica();
        replica.settle(reserved(replica), 0, "0");
        Throwable lost;
        try (Connection other = GatewayTestResource.get().superuser()) {
            other.setAutoCommit(false);
            try (Statement lock = other.createStatement()) {
                lock.execute("SELECT 1 FROM limit_use WHERE tenant_id = '" + tenant + "' FOR UPDATE");
            }
            CompletableFuture<Throwable> asked =
                    CompletableFuture.supplyAsync(() -> catchThrowable(() -> reserved(replica)));
            Replica.eventually(() -> waits(other));
            wire().cut();
            lost = asked.get();
            wire().heal();
            // Too early: nothing of it is to be seen yet.
            Replica.eventually(() -> there(replica.reservations::tidy));
            other.rollback();
        }
        assertThat(lost).isInstanceOf(DatabaseUnavailableException.class);
        Replica.eventually(() -> replica.standing(tenant).running() == 1);

        // when
        replica.reservations.tidy();

        // then
        assertThat(replica.standing(tenant).running()).isZero();
        assertThat(replica.standing(tenant).monthHeld()).isZero();
    }

    private Demand reserved(Replica replica) {
        Demand demand = explicit(100, 100);
        replica.reserve(tenant, demand);
        return demand;
    }

    /** Whether somebody waits for a lock that this connection holds. Who is connected, a transaction is told as it was at its first question. */
    private static boolean waits(Connection holder) {
        try (Statement statement = holder.createStatement();
                ResultSet found = statement.executeQuery("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
                        + " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))")) {
            return found.next() && found.getBoolean(1);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
