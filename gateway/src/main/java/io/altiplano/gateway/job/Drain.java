package io.altiplano.gateway.job;

import io.altiplano.gateway.web.Draining;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.jboss.logging.Logger;

/**
 * Stopping without cutting anyone off unheard: the gateway says that it goes, then takes nothing new, open streams go on for a while, and those that are not
 * done by then end with an error event. Quarkus fires the event observed here on the stopping thread before it closes
 * anything (with quarkus.shutdown.delay-enabled); its ShutdownEvent comes after the HTTP server is closed.
 */
@ApplicationScoped
public class Drain {
    private static final Logger LOG = Logger.getLogger(Drain.class);
    private static final Duration LAST_WRITES = Duration.ofSeconds(3);

    private final Draining draining;
    private final JobService jobs;
    private final IdempotentRuns idempotent;
    private final JobSettings settings;

    @Inject
    Drain(Draining draining, JobService jobs, IdempotentRuns idempotent, JobSettings settings) {
        this.draining = draining;
        this.jobs = jobs;
        this.idempotent = idempotent;
        this.settings = settings;
    }

    void stop(@Observes ShutdownDelayInitiatedEvent event) throws InterruptedException {
        draining.announce();
        // Whoever balances load needs a moment to see it; what comes until then is answered like any other request.
        Thread.sleep(settings.farewell());
        draining.start();
        long open = jobs.openStreams();
        if (open > 0) {
            LOG.infof("stopping: %d streams have %s to finish", open, settings.drain());
        }
        if (!draining.awaitQuiet(settings.drain())) {
            LOG.warnf("stopping: %d streams are ended with an error", jobs.openStreams());
            idempotent.handOver();
            jobs.failAll();
            draining.awaitQuiet(LAST_WRITES);
        }
    }

    /** Ready for traffic: the gateway listens for answers and does not stop. */
    @Readiness
    @ApplicationScoped
    static class Ready implements HealthCheck {
        private final Dispatcher dispatcher;
        private final Draining draining;

        @Inject
        Ready(Dispatcher dispatcher, Draining draining) {
            this.dispatcher = dispatcher;
            this.draining = draining;
        }

        @Override
        public HealthCheckResponse call() {
            return HealthCheckResponse.named("replies")
                    .withData("listening", dispatcher.ready())
                    .withData("draining", draining.announced())
                    .status(dispatcher.ready() && !draining.announced())
                    .build();
        }
    }
}
