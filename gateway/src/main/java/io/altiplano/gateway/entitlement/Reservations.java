package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reservations in the database, as one gateway takes and ends them. Each of its methods is one round trip, or a share of one.
 */
final class Reservations {
    private static final Logger LOG = Logger.getLogger(Reservations.class);

    private final Db db;
    private final Duration term;
    private final @Nullable Clock clock;
    private final Combiner<Ask, Verdict> asking = new Combiner<>(this::takeAll);
    private final Combiner<Ending, Boolean> ending = new Combiner<>(this::endAll);

    /** A reservation's end at this gateway. */
    private record Ending(String tenantId, UUID job, boolean sent) {
        Group group() {
            return new Group(tenantId, sent);
        }
    }

    private record Group(String tenantId, boolean sent) {}

    /**
     * @param term how long a reservation holds if nobody settles it
     * @param clock of tests; null: the database's clock counts, for gateways' may differ
     */
    Reservations(Db db, Duration term, @Nullable Clock clock) {
        this.db = db;
        this.term = term;
        this.clock = clock;
    }

    /** Takes all that a job may come to, or nothing. */
    Verdict take(Ask ask) throws InterruptedException {
        return asking.ask(ask);
    }

    private List<Verdict> takeAll(List<Ask> asks) {
        return db.statement(handle -> AdmissionStore.admit(handle, asks, now(), term));
    }

    /** Ends a reservation; soon, and without waiting for it. Should that fail, settlement or expiry does it. */
    void end(String tenantId, UUID job, boolean sent) {
        CompletableFuture<Boolean> unused = ending.tell(new Ending(tenantId, job, sent));
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
                LOG.debugf("%d places of %s are free when their jobs are settled", jobs.size(), group.tenantId());
            } catch (RuntimeException e) {
                LOG.errorf(e, "places of %s are free only when their jobs are settled", group.tenantId());
            }
        });
        return endings.stream().map(e -> true).toList();
    }

    /** Ends what has outlived its term, whoever took it. */
    long expire() {
        return db.ledger(handle -> AdmissionStore.expire(handle, now()));
    }

    private @Nullable Instant now() {
        return clock == null ? null : clock.instant();
    }
}
