package io.altiplano.scheduler.app;

import io.altiplano.contracts.KafkaConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** {@code altiplano.kafka.*}: how this service reaches the broker as its own principal. */
@ConfigMapping(prefix = "altiplano.kafka")
interface KafkaSettings {
    /** host:port, comma-separated. */
    String bootstrap();

    /** PLAINTEXT, SASL_PLAINTEXT or SASL_SSL. */
    @WithDefault("PLAINTEXT")
    String security();

    /** PLAIN or SCRAM-SHA-512. */
    @WithDefault("PLAIN")
    String mechanism();

    @WithDefault("scheduler")
    String username();

    @WithDefault("none")
    String password();

    default KafkaConfig config() {
        return new KafkaConfig(bootstrap(), security(), mechanism(), username(), password());
    }
}
