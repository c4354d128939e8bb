package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Looks for expired reservations again and again. Every replica does; what one has in hand the others pass over. */
@ApplicationScoped
public class Expiry {
    private static final Logger LOG = Logger.getLogger(Expiry.class);

    private final Reservations reservations;
    private final long periodMillis;
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("reservation-expiry").factory());

    @Inject
    Expiry(Db db, LimitSettings settings) {
        reservations = new Reservations(db, settings.reservationTerm(), null);
        periodMillis = settings.expiryPeriod().toMillis();
    }

    @Startup
    void start() {
        var unused = scheduler.scheduleWithFixedDelay(this::round, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        scheduler.shutdownNow();
    }

    private void round() {
        try {
            long ended = reservations.expire();
            if (ended > 0) {
                LOG.infof("%d reservations had expired", ended);
            }
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("expired reservations later: %s", e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "expired reservations later");
        }
    }
}
