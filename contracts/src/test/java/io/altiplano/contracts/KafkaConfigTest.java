package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class KafkaConfigTest {
    @Test
    void saslIsConfiguredForTheMechanismWithTheCredentialsQuoted() {
        KafkaConfig scram = new KafkaConfig("h:1", "SASL_SSL", "SCRAM-SHA-512", "worker", "a\"b\\c");

        assertThat(scram.common())
                .containsEntry("security.protocol", "SASL_SSL")
                .containsEntry("sasl.mechanism", "SCRAM-SHA-512")
                .containsEntry(
                        "sasl.jaas.config",
                        "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"worker\""
                                + " password=\"a\\\"b\\\\c\";");
        assertThat(new KafkaConfig("h:1", "SASL_PLAINTEXT", "PLAIN", "u", "p")
                        .common()
                        .get("sasl.jaas.config"))
                .asString()
                .contains("plain.PlainLoginModule");
    }

    @Test
    void plaintextNamesNoCredentials() {
        assertThat(new KafkaConfig("h:1", "PLAINTEXT", "PLAIN", "u", "p").common())
                .containsOnlyKeys("bootstrap.servers", "security.protocol");
    }

    @Test
    void thePasswordStaysOutOfLogs() {
        assertThat(new KafkaConfig("h:1", "SASL_SSL", "PLAIN", "worker", "hunter2"))
                .asString()
                .doesNotContain("hunter2")
                .contains("worker");
    }
}
