package io.altiplano.gateway.policy;

import io.altiplano.gateway.config.AtLeastOne;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithConverter;
import io.smallrye.config.WithDefault;
import java.time.Duration;

/** {@code altiplano.policy.*}: how often this replica looks. What the platform asks for is data ({@link PolicyRules}). */
@ConfigMapping(prefix = "altiplano.policy")
public interface PolicySettings {
    /** How often estimates of end users are merged into the database. */
    @WithDefault("PT5S")
    Duration flushPeriod();

    /** How often it is looked for what officers should review. */
    @WithDefault("PT30S")
    Duration reviewPeriod();

    /** Reports of misuse that one address, or one tenant with its keys, may send in an hour. */
    @WithDefault("20")
    @WithConverter(AtLeastOne.class)
    int reportsPerHour();
}
