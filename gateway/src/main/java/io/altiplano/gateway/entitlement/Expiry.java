package io.altiplano.gateway.entitlement;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Looks again and again for reservations that could not be ended, and for expired ones. Every replica does; what one has in
 * hand the others pass over.
 */
@ApplicationScoped
public class Expiry {
    private static final Logger LOG = Logger.getLogger(Expiry.class);

    private final Entitlements entitlements;
    private final long periodMillis;
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("reservation-expiry").factory());

    @Inject
    Expiry(Entitlements entitlements, LimitSettings settings) {
        this.entitlements = entitlements;
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
            long ended = entitlements.tidy();
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
