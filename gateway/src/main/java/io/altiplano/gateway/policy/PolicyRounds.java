package io.altiplano.gateway.policy;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/** Does again and again what nobody asks for. Every replica does; what is done twice is done once. */
@ApplicationScoped
public class PolicyRounds {
    private static final Logger LOG = Logger.getLogger(PolicyRounds.class);

    private final PolicySettings settings;
    private final Reattestations reattestations;
    private final EndUsers endUsers;
    private final EndUserReviews endUserReviews;
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("policy-rounds").factory());

    @Inject
    PolicyRounds(
            PolicySettings settings, Reattestations reattestations, EndUsers endUsers, EndUserReviews endUserReviews) {
        this.settings = settings;
        this.reattestations = reattestations;
        this.endUsers = endUsers;
        this.endUserReviews = endUserReviews;
    }

    @Startup
    void start() {
        every(settings.flushPeriod(), endUsers::flush);
        every(settings.reviewPeriod(), () -> {
            reattestations.review();
            endUserReviews.review();
        });
    }

    void stop(@Observes @Priority(1500) ShutdownEvent event) {
        scheduler.shutdownNow();
        quietly(endUsers::flush);
    }

    private void every(Duration period, Runnable work) {
        var unused = scheduler.scheduleWithFixedDelay(
                () -> quietly(work), period.toMillis(), period.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** What fails is done again in the next round. */
    private static void quietly(Runnable work) {
        try {
            work.run();
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("policy round later: %s", e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "policy round failed");
        }
    }
}
