package io.altiplano.worker.app;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Alive: the agent's thread and every engine's loop run. */
@Liveness
@ApplicationScoped
class EnginesAlive implements HealthCheck {
    private final Worker worker;

    EnginesAlive(Worker worker) {
        this.worker = worker;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("engines").status(worker.isAlive()).build();
    }
}
