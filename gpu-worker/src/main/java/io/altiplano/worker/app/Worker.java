package io.altiplano.worker.app;

import io.altiplano.worker.agent.Agent;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.ModelUnavailableException;
import io.altiplano.worker.engine.ServedModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.Config;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * The worker's process: reads the configuration, loads the models that are there, then lets the agent take leases. At
 * shutdown the agent drains before anything is closed.
 */
@ApplicationScoped
public class Worker {
    private static final Logger LOG = Logger.getLogger(Worker.class);

    private final Config config;
    private final MeterRegistry metrics;
    private final Object lock = new Object();
    private @Nullable ModelStore models;
    private @Nullable Agent agent;
    private boolean stopping;

    /** By CDI. */
    public Worker(Config config, MeterRegistry metrics) {
        this.config = config;
        this.metrics = metrics;
    }

    void start(@Observes StartupEvent event) {
        WorkerSettings settings = WorkerSettings.read(key -> config.getOptionalValue(key, String.class));
        ModelStore store = new ModelStore(settings.modelsDir(), settings.model(), settings.engine());
        store.observe(new StepMetrics(metrics));
        CompletableFuture<Void> loaded = new CompletableFuture<>();
        synchronized (lock) {
            models = store;
            // It finds its way to the broker while models are loaded.
            agent = new Agent(settings.agent(), settings.kafka(), settings.topics(), store, loaded, Clock.systemUTC());
        }
        Thread.ofPlatform().name("boot").daemon(true).start(() -> load(store, loaded));
        Thread.ofVirtual().name("watch").start(this::watch);
    }

    /** Loading takes a while, and health must be asked for meanwhile. */
    private static void load(ModelStore store, CompletableFuture<Void> loaded) {
        try {
            for (String id : store.ids()) {
                try {
                    store.get(id);
                } catch (ModelUnavailableException e) {
                    LOG.warnf("event=model_skipped model=%s error=%s", id, e.getMessage());
                }
            }
        } finally {
            loaded.complete(null);
        }
    }

    /** A process whose engine or agent died serves nobody: it ends, so that whoever runs it starts a new one. */
    private void watch() {
        try {
            while (isAlive()) {
                TimeUnit.SECONDS.sleep(1);
            }
        } catch (InterruptedException e) {
            return;
        }
        synchronized (lock) {
            if (stopping) {
                return;
            }
        }
        LOG.error("event=worker_dead an engine or the agent has stopped; ending the process");
        Quarkus.asyncExit(1);
    }

    void stop(@Observes ShutdownEvent event) {
        Agent agent;
        ModelStore models;
        synchronized (lock) {
            stopping = true;
            agent = this.agent;
            models = this.models;
        }
        if (agent != null) {
            agent.close();
        }
        if (models != null) {
            models.close();
        }
    }

    /** Whether grants can come in. */
    boolean isReady() {
        synchronized (lock) {
            return agent != null && agent.isReady();
        }
    }

    /** Whether every thread that should run does. */
    boolean isAlive() {
        synchronized (lock) {
            return (agent == null || agent.isAlive())
                    && (models == null
                            || models.loaded().stream().map(ServedModel::engine).allMatch(e -> e.isAlive()));
        }
    }

    /** The agent's present boot id; empty before it has one. */
    String bootId() {
        synchronized (lock) {
            return agent == null ? "" : agent.bootId();
        }
    }
}
