package io.altiplano.gateway.job;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.entitlement.Entitlements;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * Keeps this process among the living, and tells the scheduler of gateways that died: their clients' connections died with them, so
 * nobody reads the answers to their jobs, and what they had reserved and never sent nobody else would end before its term.
 *
 * <p>A gateway is believed dead only once it was not heard of for a while <em>and</em> this one has seen, for another while and
 * without a failed look, that it still is not. After an outage of PostgreSQL everybody is late, and whoever comes back first must not
 * take the others for dead.
 */
@ApplicationScoped
public class GatewayWatch {
    private static final Logger LOG = Logger.getLogger(GatewayWatch.class);
    private static final Duration EVERY = Duration.ofSeconds(1);

    private final GatewayProcessStore store;
    private final Function<UUID, CompletableFuture<Void>> tell;
    private final Consumer<UUID> free;
    private final Duration silence;
    private final LongSupplier nanoTime;
    private volatile UUID self = UUID.randomUUID();
    private volatile boolean running;
    private boolean looked;
    private long lookedNanos;
    private final Map<UUID, Suspicion> suspected = new ConcurrentHashMap<>();

    /** Since when, by the monotonic clock, it is seen not to be heard of. */
    private record Suspicion(OffsetDateTime lastSeen, long sinceNanos, boolean told) {}

    @Inject
    GatewayWatch(GatewayProcessStore store, Submissions submissions, Entitlements entitlements, JobSettings settings) {
        this(store, submissions::sendGatewayLost, entitlements::desert, settings.gatewaySilence(), System::nanoTime);
    }

    /**
     * For tests.
     *
     * @param tell sends word of a process's end to the scheduler
     * @param free ends what the process had reserved, once the scheduler has been told
     * @param silence of a gateway until it is suspected, and as long again until it is believed
     */
    GatewayWatch(
            GatewayProcessStore store,
            Function<UUID, CompletableFuture<Void>> tell,
            Consumer<UUID> free,
            Duration silence,
            LongSupplier nanoTime) {
        this.store = store;
        this.tell = tell;
        this.free = free;
        this.silence = silence;
        this.nanoTime = nanoTime;
    }

    /** On a thread of its own: whatever else keeps a gateway waiting does not make it seem dead. */
    void start(@Observes StartupEvent event) {
        running = true;
        Thread.ofVirtual().name("gateway-watch").start(() -> {
            while (running) {
                look();
                LockSupport.parkNanos(EVERY.toNanos());
            }
        });
    }

    /** This process's id, which its jobs carry. Another one once it was taken for dead: what was said of it is not for later jobs. */
    public UUID self() {
        return self;
    }

    /** Says that this process lives and looks for those that do not. Called about once a second, by one thread. */
    void look() {
        GatewayProcessStore.Look found;
        try {
            found = store.seen(self, silence);
        } catch (RuntimeException e) {
            suspected.clear();
            LOG.debugf("not among the living for now: %s", e.getMessage());
            return;
        }
        long now = nanoTime.getAsLong();
        if (looked && found.isNew()) {
            LOG.warnf("gateway %s was taken for dead by others; it goes on under another name", self);
            self = UUID.randomUUID();
        }
        if (looked && now - lookedNanos > silence.toNanos()) {
            // What happened meanwhile was not seen.
            suspected.clear();
        }
        looked = true;
        lookedNanos = now;
        Map<UUID, OffsetDateTime> silent = found.silent();
        suspected.entrySet().removeIf(e -> !e.getValue().lastSeen.equals(silent.get(e.getKey())));
        silent.forEach((gateway, lastSeen) -> suspected.putIfAbsent(gateway, new Suspicion(lastSeen, now, false)));
        suspected.replaceAll((gateway, suspicion) -> {
            if (suspicion.told || now - suspicion.sinceNanos < silence.toNanos()) {
                return suspicion;
            }
            bury(gateway, suspicion.lastSeen);
            return new Suspicion(suspicion.lastSeen, suspicion.sinceNanos, true);
        });
    }

    /** Not on the thread that looks: Kafka may be away. What fails begins again; who dies in between leaves the row to another. */
    private void bury(UUID gateway, OffsetDateTime lastSeen) {
        LOG.warnf("gateway %s was not heard of since %s: its jobs are called back", gateway, lastSeen);
        Thread.ofVirtual().name("gateway-lost").start(() -> {
            try {
                tell.apply(gateway).join();
                free.accept(gateway);
                store.forget(gateway, lastSeen);
            } catch (RuntimeException e) {
                LOG.warnf("the jobs of gateway %s were not called back: %s", gateway, e.getMessage());
                suspected.remove(gateway);
            }
        });
    }

    void stop(@Observes ShutdownEvent event) {
        leave();
    }

    /** This process ends, and has no open jobs any more. */
    void leave() {
        running = false;
        try {
            store.forget(self);
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("left among the living for others to bury: %s", e.getMessage());
        }
    }
}
