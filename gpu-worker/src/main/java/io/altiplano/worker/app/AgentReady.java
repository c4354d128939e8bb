package io.altiplano.worker.app;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready: models are loaded and heartbeats are acknowledged. */
@Readiness
@ApplicationScoped
class AgentReady implements HealthCheck {
    private final Worker worker;

    AgentReady(Worker worker) {
        this.worker = worker;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("agent")
                .status(worker.isReady())
                .withData("boot", worker.bootId())
                .build();
    }
}
