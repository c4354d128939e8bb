package io.altiplano.scheduler.app;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;

/** Ready: all partitions restored and deciding. Live: not in a state that only a restart ends. */
@ApplicationScoped
class Health {
    private final SchedulerService service;

    Health(SchedulerService service) {
        this.service = service;
    }

    @Produces
    @Readiness
    HealthCheck ready() {
        return () -> HealthCheckResponse.named("kafka-streams")
                .status(service.ready())
                .withData("state", service.state())
                .build();
    }

    @Produces
    @Liveness
    HealthCheck live() {
        return () -> HealthCheckResponse.named("kafka-streams")
                .status(service.alive())
                .withData("state", service.state())
                .build();
    }
}
