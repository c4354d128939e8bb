package io.altiplano.gateway.config;

import jakarta.enterprise.inject.Produces;
import java.time.Clock;

/** The clock, injected, so that tests can pass another. */
final class Time {
    private Time() {}

    @Produces
    static Clock clock() {
        return Clock.systemUTC();
    }
}
