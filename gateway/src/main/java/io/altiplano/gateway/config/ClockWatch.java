package io.altiplano.gateway.config;

import io.altiplano.contracts.SetBack;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jboss.logging.Logger;

/** Looks at the clocks, and tells when the wall clock was set back. */
@ApplicationScoped
class ClockWatch {
    private static final Logger LOG = Logger.getLogger(ClockWatch.class);
    private static final Duration LOOK = Duration.ofMillis(500);

    private final Event<ClockSetBack> event;
    private volatile boolean stopped;

    @Inject
    ClockWatch(Event<ClockSetBack> event) {
        this.event = event;
    }

    void start(@Observes StartupEvent start) {
        Thread.ofVirtual().name("clock-watch").start(() -> watch(new SetBack()));
    }

    void stop(@Observes ShutdownEvent stop) {
        stopped = true;
    }

    private void watch(SetBack clock) {
        Duration pending = Duration.ZERO;
        while (!stopped) {
            Duration back = clock.told();
            if (!back.isZero()) {
                LOG.warnf("the machine's clock was set back by %s; clients for Kafka begin anew", back);
                pending = back;
            }
            if (!pending.isZero()) {
                try {
                    event.fire(new ClockSetBack(pending));
                    pending = Duration.ZERO;
                } catch (RuntimeException e) {
                    // Whoever was not told yet is told at the next look; again is no harm to the others.
                    LOG.error("a client for Kafka could not begin anew", e);
                }
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }
}
