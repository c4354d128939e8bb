package io.altiplano.gateway.entitlement;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** {@code altiplano.limits.*}: how reservations live. */
@ConfigMapping(prefix = "altiplano.limits")
public interface LimitSettings {
    /**
     * How long a job's reservation holds if nobody settles it. Longer than any job lasts ({@code altiplano.job.longest}) and its
     * end takes to be posted, so that it is never renewed: what expires is what a dead gateway reserved and did not send.
     */
    @WithDefault("PT15M")
    Duration reservationTerm();

    /** How often expired reservations are looked for. */
    @WithDefault("PT2S")
    Duration expiryPeriod();
}
