package io.altiplano.gateway.job;

import io.altiplano.gateway.access.Callers;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jboss.logging.Logger;

/**
 * Ends the work of API keys that were revoked, or whose project was archived, within a second: each gateway asks again and again
 * for the keys of its own open jobs, so that no word about a key can be missed, and one that stood still asks when it goes on. Work of
 * a key that merely expires goes on to its end, as under the old key of a rotation.
 */
@ApplicationScoped
class KeyEnds {
    private static final Logger LOG = Logger.getLogger(KeyEnds.class);

    /** Of the second, three quarters are left to the question, its answer and a busy machine. */
    private static final Duration EVERY = Duration.ofMillis(250);

    private final Callers callers;
    private final JobService jobs;
    private volatile boolean running;

    @Inject
    KeyEnds(Callers callers, JobService jobs) {
        this.callers = callers;
        this.jobs = jobs;
    }

    void start(@Observes StartupEvent event) {
        running = true;
        Thread.ofVirtual().name("key-ends").start(() -> {
            while (running) {
                look();
                LockSupport.parkNanos(EVERY.toNanos());
            }
        });
    }

    void stop(@Observes ShutdownEvent event) {
        running = false;
    }

    /** Ends what the keys that are no more have under way. */
    void look() {
        Set<String> inUse = jobs.keysInUse();
        if (inUse.isEmpty()) {
            return;
        }
        try {
            for (String key : callers.ended(inUse)) {
                LOG.infof("API key %s was revoked: what it has under way ends", key);
                jobs.endKey(key);
            }
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("revoked keys are asked for again: %s", e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "revoked keys are asked for again");
        }
    }
}
