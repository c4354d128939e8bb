package io.altiplano.gateway.usage;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Makes the ledger's partitions of this month and the next before anything is posted to them, so that posting never waits
 * for their making. A month that is missing nevertheless is made by the posting that needs it.
 */
@ApplicationScoped
public class MonthsAhead {
    private static final Logger LOG = Logger.getLogger(MonthsAhead.class);
    private static final Duration PERIOD = Duration.ofMinutes(10);

    private final Ledger ledger;
    private final Clock clock;
    private final ScheduledExecutorService rounds = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("ledger-months").factory());

    @Inject
    MonthsAhead(Ledger ledger, Clock clock) {
        this.ledger = ledger;
        this.clock = clock;
    }

    @Startup
    void start() {
        var unused = rounds.scheduleWithFixedDelay(this::make, 0, PERIOD.toSeconds(), TimeUnit.SECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        rounds.shutdownNow();
    }

    /** One round; what fails is done in the next. */
    void make() {
        try {
            ledger.ensureMonths(months(clock.instant()));
        } catch (RuntimeException e) {
            LOG.warnf("the ledger's next month is not made yet: %s", e.getMessage());
        }
    }

    /** Instants in the month of {@code now} and in the next. */
    static List<Instant> months(Instant now) {
        return List.of(
                now,
                now.atOffset(ZoneOffset.UTC).withDayOfMonth(1).plusMonths(1).toInstant());
    }
}
