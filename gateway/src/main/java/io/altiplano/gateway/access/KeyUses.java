package io.altiplano.gateway.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.quarkus.runtime.Shutdown;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * Notes when API keys were last used: each at most once a minute, and never in a request's way. Uses are gathered here and
 * written together each second; the database keeps the minute over all gateways. What is not written when the gateway ends
 * is lost, which costs a second of a display.
 */
@ApplicationScoped
public class KeyUses {
    private static final Logger LOG = Logger.getLogger(KeyUses.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final int MOST_REMEMBERED = 20_000;

    private final Db db;
    private final Set<String> unwritten = ConcurrentHashMap.newKeySet();
    private final Cache<String, Boolean> noted = Caffeine.newBuilder()
            .maximumSize(MOST_REMEMBERED)
            .expireAfterWrite(Duration.ofMinutes(1))
            .build();
    private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("api-key-uses").factory());

    @Inject
    KeyUses(Db db) {
        this.db = db;
    }

    @Startup
    void start() {
        var unused =
                scheduler.scheduleWithFixedDelay(this::writeQuietly, 1000, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Shutdown
    void stop() {
        scheduler.shutdownNow();
    }

    /** A key was used just now. */
    void used(String keyId) {
        if (noted.asMap().putIfAbsent(keyId, Boolean.TRUE) == null) {
            unwritten.add(keyId);
        }
    }

    private void writeQuietly() {
        List<String> keys = List.copyOf(unwritten);
        if (keys.isEmpty()) {
            return;
        }
        try {
            var unused = db.auth(handle -> {
                ApiKeyStore.noteUse(handle, keys);
                return true;
            });
            keys.forEach(unwritten::remove);
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("uses of %d API keys are written later: %s", keys.size(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.errorf(e, "uses of %d API keys are not written", keys.size());
        }
    }
}
