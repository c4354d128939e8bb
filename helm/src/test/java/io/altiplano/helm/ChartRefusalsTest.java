package io.altiplano.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which values the chart refuses, and what it says. */
class ChartRefusalsTest {
    @ParameterizedTest(name = "{0}={1}")
    @CsvSource(delimiter = '|', textBlock = """
            demo.enabled                   | true                                     | the chart does not install the demo; use ./altiplano up
            oidc.url                       | http://keycloak:8081/realms/altiplano    | the demo realm speaks plain http
            oidc.url                       | https://id.example.org/realms/demo       | names a demo realm
            oidc.url                       | https://id.example.org/realms/altiplano-demo | names a demo realm
            oidc.url                       | https://localhost:8081/realms/altiplano  | is an address of the demo on one machine
            oidc.url                       | https://127.0.0.1/realms/altiplano       | is an address of the demo on one machine
            console.url                    | http://localhost:8080                    | is an address of the demo on one machine
            kafka.bootstrap                | 127.0.0.1:8083                           | is an address of the demo on one machine
            kafka.bootstrap                | kafka:9092,localhost:9092                | is an address of the demo on one machine
            database.url                   | jdbc:postgresql://127.0.0.1:8082/altiplano | is an address of the demo on one machine
            kafka.security                 | PLAINTEXT                                | anybody could write usage; set SASL_SSL
            keys.existingSecret            | altiplano-demo                           | holds the demo's keys
            keys.existingSecret            | altiplano-demo-keys                      | holds the demo's keys
            database.existingSecret        | demo                                     | holds the demo's keys
            kafka.worker.existingSecret    | demo-kafka                               | holds the demo's keys
            topics.existingSecret          | demo.admin                               | holds the demo's keys
            audit.existingSecret           | altiplano-demo                           | holds the demo's keys
            images.gateway.tag             | latest                                   | does not say which image runs
            images.stack.tag               | latest                                   | does not say which image runs
            gateway.ingress.enabled        | true                                     | API keys do not travel without TLS
            """)
    void whatMustNotGoToProductionIsRefusedWithTheRemedy(String key, String value, String message) {
        assertThatThrownBy(() -> Chart.render(Map.of(key, value)))
                .hasMessageContaining(key.substring(0, key.indexOf('.')))
                .hasMessageContaining(message);
    }

    @Test
    void passwordsInClearAreRefused() {
        assertThatThrownBy(() -> Chart.render(Map.of("kafka.security", "SASL_PLAINTEXT", "kafka.mechanism", "PLAIN")))
                .hasMessageContaining("sends passwords in clear");
        assertThat(Chart.render(Map.of("kafka.security", "SASL_PLAINTEXT"))).contains("SASL_PLAINTEXT");
    }

    @Test
    void twoPoolsOfOneNameAreRefused() {
        Map<String, String> twice = new HashMap<>(ChartTest.FULL);
        twice.put("pools[1].name", "chat");

        assertThatThrownBy(() -> Chart.render(twice)).hasMessageContaining("two pools are named chat");
    }

    @ParameterizedTest(name = "{0}={1}")
    @CsvSource(delimiter = '|', textBlock = """
            gatway.replicas         | 3
            gateway.replica         | 3
            gateway.replicas        | 0
            gateway.replicas        | many
            gateway.service.type    | ExternalName
            database.password       | secret
            keys.pepper             | 00ff
            keys.existingSecret     | Altiplano_Keys
            kafka.security          | SSL
            database.url            | postgresql://db/altiplano
            images.gateway.digest   | sha256:abc
            scheduler.leaseTerm     | 5s
            pools[0].tp             | 3
            podSecurity.runAsUser   | 0
            """)
    void valuesThatTheSchemaDoesNotKnowAreRefused(String key, String value) {
        assertThatThrownBy(() -> Chart.render(Map.of(key, value)))
                .hasMessageContaining("values don't meet the specifications of the schema");
    }

    @Test
    void aPoolOfMoreWorkersThanItsTopicHasPartitionsIsRefused() {
        Map<String, String> crowded = new HashMap<>(ChartTest.FULL);
        crowded.put("pools[0].replicas", "17");

        assertThatThrownBy(() -> Chart.render(crowded)).hasMessageContaining("replicas");
    }
}
