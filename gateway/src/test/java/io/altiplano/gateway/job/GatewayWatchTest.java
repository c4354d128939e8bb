package io.altiplano.gateway.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class GatewayWatchTest {
    private static final Duration SILENCE = Duration.ofSeconds(30);

    @Inject
    Db db;

    @Inject
    Submissions submissions;

    @Inject
    GatewayWatch running;

    private final UUID other = UUID.randomUUID();
    private boolean away;
    private volatile boolean lost;
    private final List<UUID> told = new CopyOnWriteArrayList<>();
    private final List<UUID> freed = new CopyOnWriteArrayList<>();
    private final AtomicLong nanos = new AtomicLong(-7);

    @BeforeEach
    void nobodyElseDied() throws SQLException {
        sql("DELETE FROM gateway_process WHERE seen_at < now() - interval '10 seconds'");
    }

    private static void sql(String statement) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement()) {
            s.execute(statement);
        }
    }

    private void lastSeen(UUID gateway, Duration ago) throws SQLException {
        sql("INSERT INTO gateway_process (id, seen_at) VALUES ('" + gateway + "', now() - interval '" + ago.toSeconds()
                + " seconds') ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at");
    }

    private static boolean among(UUID gateway) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement();
                ResultSet row = s.executeQuery("SELECT 1 FROM gateway_process WHERE id = '" + gateway + "'")) {
            return row.next();
        }
    }

    /** The gateway that a job's reservation names. */
    private static String reservationOf(JobSubmitted job) throws SQLException {
        try (Connection connection = GatewayTestResource.get().superuser();
                Statement s = connection.createStatement();
                ResultSet row =
                        s.executeQuery("SELECT gateway FROM reservation WHERE job_id = '" + job.getJobId() + "'")) {
            assertThat(row.next()).isTrue();
            return String.valueOf(row.getString(1));
        }
    }

    private GatewayWatch watch() {
        GatewayProcessStore store = new GatewayProcessStore(db) {
            @Override
            Look seen(UUID process, Duration silence) {
                if (away) {
                    throw new DatabaseUnavailableException(new SQLException("the database is away"));
                }
                return super.seen(process, silence);
            }
        };
        return new GatewayWatch(
                store,
                gateway -> {
                    told.add(gateway);
                    return CompletableFuture.completedFuture(null);
                },
                this::free,
                SILENCE,
                nanos::get);
    }

    private void free(UUID gateway) {
        assertThat(told).contains(gateway);
        if (lost) {
            lost = false;
            throw new DatabaseUnavailableException(new SQLException("the database is away"));
        }
        freed.add(gateway);
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    private static void await(String what, Check check) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!check.holds()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    @Test
    void aGatewayThatStaysSilentIsToldOfAndForgotten() throws Exception {
        // given
        lastSeen(other, SILENCE.plusSeconds(5));
        GatewayWatch watch = watch();

        // when
        watch.look();
        pass(SILENCE);
        watch.look();

        // then
        await("told of", () -> told.equals(List.of(other)));
        await("forgotten", () -> !among(other));
        assertThat(freed).containsExactly(other);
        assertThat(among(watch.self())).isTrue();
        watch.leave();
        assertThat(among(watch.self())).isFalse();
    }

    @Test
    void aGatewayWhoseReservationsCouldNotBeFreedIsToldOfAgain() throws Exception {
        // given
        lastSeen(other, SILENCE.plusSeconds(5));
        GatewayWatch watch = watch();
        lost = true;

        // when
        watch.look();
        pass(SILENCE);
        watch.look();
        await("the database was away", () -> !lost);

        // then
        assertThat(among(other)).isTrue();
        await("freed", () -> {
            watch.look();
            pass(SILENCE);
            return freed.equals(List.of(other));
        });
        await("forgotten", () -> !among(other));
        assertThat(told).hasSizeGreaterThan(1);
        watch.leave();
    }

    @Test
    void whoIsHeardOfAgainMeanwhileIsNotDead() throws Exception {
        // given
        lastSeen(other, SILENCE.plusSeconds(5));
        GatewayWatch watch = watch();
        watch.look();

        // when: as after an outage in which nobody could say that it lives
        lastSeen(other, SILENCE.plusSeconds(2));
        pass(SILENCE);
        watch.look();
        pass(SILENCE.minusSeconds(1));
        watch.look();

        // then
        assertThat(told).isEmpty();
        assertThat(among(other)).isTrue();

        // when
        pass(Duration.ofSeconds(1));
        watch.look();

        // then: but silent since
        await("told of", () -> told.equals(List.of(other)));
        watch.leave();
    }

    @Test
    void silenceDuringWhichTheDatabaseWasAwayCountsForNothing() throws Exception {
        // given
        lastSeen(other, SILENCE.plusSeconds(5));
        GatewayWatch watch = watch();
        watch.look();

        // when
        pass(SILENCE.minusSeconds(1));
        away = true;
        watch.look();
        away = false;
        pass(Duration.ofSeconds(1));
        watch.look();
        pass(SILENCE.minusSeconds(1));
        watch.look();

        // then
        assertThat(told).isEmpty();

        // when
        pass(Duration.ofSeconds(1));
        watch.look();

        // then
        await("told of", () -> told.equals(List.of(other)));
        watch.leave();
    }

    @Test
    void whoWasTakenForDeadGoesOnUnderAnotherName() throws Exception {
        // given
        GatewayWatch watch = watch();
        watch.look();
        UUID before = watch.self();
        watch.look();
        assertThat(watch.self()).isEqualTo(before);

        // when
        sql("DELETE FROM gateway_process WHERE id = '" + before + "'");
        watch.look();

        // then
        assertThat(watch.self()).isNotEqualTo(before);
        sql("DELETE FROM gateway_process WHERE id = '" + before + "'");
        watch.leave();
    }

    @Test
    void whoWasHeardOfALittleBeforeIsNotSuspected() throws Exception {
        // given
        lastSeen(other, SILENCE.minusSeconds(10));
        GatewayWatch watch = watch();

        // when
        watch.look();
        pass(SILENCE.multipliedBy(2));
        watch.look();

        // then
        assertThat(told).isEmpty();
        sql("DELETE FROM gateway_process WHERE id = '" + other + "'");
        watch.leave();
    }

    @Test
    void theSchedulerIsToldAndEachJobAndReservationNamesTheGatewayOfItsClient() throws Exception {
        Served.model();
        Served.Tenant tenant = Served.Tenant.create("community");
        try (KafkaPeer peer = new KafkaPeer()) {
            submissions.sendGatewayLost(other).get(20, TimeUnit.SECONDS);
            assertThat(peer.awaitGatewayLost(other).getGateway()).isEqualTo(other.toString());

            try (Sse unused = Sse.post("/v1/chat/completions", tenant.key(), Served.chat(true))) {
                JobSubmitted job = peer.awaitJob(tenant.id());
                assertThat(job.getGateway()).isEqualTo(running.self().toString());
                assertThat(reservationOf(job)).isEqualTo(job.getGateway());
            }
            try (Sse stream = Sse.post(
                    "/v1/chat/completions",
                    tenant.key(),
                    Served.chat(true),
                    RequestKey.HEADER + ": " + UUID.randomUUID())) {
                JobSubmitted anyones = peer.awaitJob(tenant.id());
                assertThat(anyones.getGateway()).isEmpty();
                assertThat(reservationOf(anyones)).isEqualTo("null");
                // Hanging up would not end it.
                peer.answer(anyones, "done");
                assertThat(stream.rest()).last().isEqualTo("data: [DONE]");
            }
        }
        await("this process is among the living", () -> among(running.self()));
    }
}
