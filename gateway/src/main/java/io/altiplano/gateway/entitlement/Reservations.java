package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reservations in the database, as one gateway takes and ends them. Each of its methods is one round trip, or a share of one.
 */
final class Reservations {
    private static final Logger LOG = Logger.getLogger(Reservations.class);

    /** How long after its loss an admission may still be committed: what waits for a row in a server that nobody hears any more. */
    private static final Duration DOUBTED = Duration.ofMinutes(1);

    /**
     * Nobody waits for a place to be free but who asks for the last one, see {@link #hurry}; and what is settled meanwhile, as most
     * is, costs nothing to free.
     */
    private static final Duration LINGER = Duration.ofMillis(100);

    /** The jobs of a gateway that is gone end at once, or when their workers have stopped, or when the lease of one that is lost is over. */
    static final Duration DESERTED = Duration.ofSeconds(20);

    /** What does not fit expires at the end of its term. */
    private static final int MOST_UNDONE = 100_000;

    private final Db db;
    private final Duration term;
    private final @Nullable Clock clock;
    private final Combiner<Ask, Verdict> asking = new Combiner<>(this::takeAll);
    private final Combiner<Ending, Boolean> ending = Combiner.lingering(this::endAll, LINGER);
    private final LinkedBlockingQueue<Ending> undone = new LinkedBlockingQueue<>(MOST_UNDONE);
    private final LinkedBlockingQueue<Doubt> doubts = new LinkedBlockingQueue<>(MOST_UNDONE);

    /** A reservation's end at this gateway. */
    private record Ending(String tenantId, UUID job, boolean sent) {
        Group group() {
            return new Group(tenantId, sent);
        }
    }

    private record Group(String tenantId, boolean sent) {}

    /** A reservation that may have been taken or not, and may yet be, until then. */
    private record Doubt(Ending ending, long untilNanos) {}

    /**
     * @param term how long a reservation holds if nobody settles it
     * @param clock of tests; null: the database's clock counts, for gateways' may differ
     */
    Reservations(Db db, Duration term, @Nullable Clock clock) {
        this.db = db;
        this.term = term;
        this.clock = clock;
    }

    /**
     * Takes all that a job may come to, or nothing.
     *
     * @throws DatabaseUnavailableException if it is not known which; then what may have been taken is given back, soon after
     *     the database can be asked again
     * @throws InterruptedException likewise
     */
    Verdict take(Ask ask) throws InterruptedException {
        try {
            return asking.ask(ask);
        } catch (DatabaseUnavailableException | InterruptedException e) {
            doubt(ask);
            throw e;
        }
    }

    private void doubt(Ask ask) {
        if (ask.demand() != null) {
            long until = System.nanoTime() + DOUBTED.toNanos();
            for (UUID job : ask.demand().jobs()) {
                doubts.offer(new Doubt(new Ending(ask.tenantId(), job, false), until));
            }
        }
    }

    private List<Verdict> takeAll(List<Ask> asks) {
        return db.statement(handle -> AdmissionStore.admit(handle, asks, now(), term));
    }

    /**
     * Ends a reservation; soon, and without waiting for it. Should the database be away, {@link #tidy} does it; should this
     * gateway end before that, settlement or expiry.
     */
    void end(String tenantId, UUID job, boolean sent) {
        CompletableFuture<Boolean> unused = ending.tell(new Ending(tenantId, job, sent));
    }

    /**
     * A gateway process is gone, and the scheduler has been told: what it had reserved and never sent ends soon.
     *
     * @return how many reservations it had
     * @throws DatabaseUnavailableException if it is not known whether they will
     */
    long desert(UUID gateway) {
        return db.ledger(handle -> AdmissionStore.desert(handle, gateway, now(), DESERTED));
    }

    /** Ends now what was to end soon: somebody waits for a place. */
    void hurry() {
        ending.hurry();
    }

    private List<Boolean> endAll(List<Ending> endings) {
        Map<Group, List<UUID>> groups = new HashMap<>(endings.stream()
                .collect(Collectors.groupingBy(Ending::group, Collectors.mapping(Ending::job, Collectors.toList()))));
        groups.forEach((group, jobs) -> {
            try {
                db.statement(handle -> {
                    if (group.sent()) {
                        AdmissionStore.freePlaces(handle, group.tenantId(), jobs);
                    } else {
                        AdmissionStore.release(handle, group.tenantId(), jobs, now());
                    }
                    return true;
                });
            } catch (DatabaseUnavailableException e) {
                LOG.debugf("%d reservations of %s end when the database is back", jobs.size(), group.tenantId());
                jobs.forEach(job -> undone.offer(new Ending(group.tenantId(), job, group.sent())));
            } catch (RuntimeException e) {
                LOG.errorf(e, "places of %s are free only when their jobs are settled", group.tenantId());
            }
        });
        return endings.stream().map(e -> true).toList();
    }

    /** Ends what could not be ended while the database was away, and what has outlived its term, whoever took it; how many of these. */
    long tidy() {
        List<Ending> again = new ArrayList<>();
        undone.drainTo(again);
        List<Doubt> doubted = new ArrayList<>();
        doubts.drainTo(doubted);
        long now = System.nanoTime();
        for (Doubt doubt : doubted) {
            again.add(doubt.ending());
            if (doubt.untilNanos() - now > 0) {
                doubts.offer(doubt);
            }
        }
        endAll(again);
        return db.ledger(handle -> AdmissionStore.expire(handle, now()));
    }

    /** Reservations that wait for the database to end them. */
    int undone() {
        return undone.size();
    }

    private @Nullable Instant now() {
        return clock == null ? null : clock.instant();
    }
}
