package io.altiplano.gateway.config;

import io.altiplano.contracts.KafkaConfig;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/** {@code altiplano.kafka.*}: the broker and the gateway's principal. */
@ConfigMapping(prefix = "altiplano.kafka")
public interface KafkaSettings {
    /** host:port, comma-separated. */
    String bootstrap();

    /** PLAINTEXT, SASL_PLAINTEXT or SASL_SSL. */
    @WithDefault("PLAINTEXT")
    String security();

    /** PLAIN or SCRAM-SHA-512. */
    @WithDefault("SCRAM-SHA-512")
    String mechanism();

    /** The gateway's principal. */
    @WithDefault("gateway")
    String username();

    /** Its password; not needed for PLAINTEXT. */
    Optional<String> password();

    /** The same for the clients of contracts. */
    default KafkaConfig toKafkaConfig() {
        return new KafkaConfig(
                bootstrap(), security(), mechanism(), username(), password().orElse(""));
    }
}
