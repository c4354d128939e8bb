package io.altiplano.worker.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.model.WeightsMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkerSettingsTest {
    private static final Map<String, String> LEAST =
            Map.of("altiplano.kafka.bootstrap", "127.0.0.1:9092", "altiplano.models.dir", "models");

    @Test
    void defaults_are_those_of_the_readme() {
        WorkerSettings settings = read(LEAST);
        assertThat(settings.agent().workerId()).isEqualTo("default-0");
        assertThat(settings.agent().capacity()).isEqualTo(16);
        assertThat(settings.agent().leaseTerm()).isEqualTo(Duration.ofSeconds(5));
        assertThat(settings.agent().heartbeat()).isEqualTo(Duration.ofMillis(500));
        assertThat(settings.agent().drain()).isEqualTo(Duration.ofSeconds(10));
        assertThat(settings.model().weights()).isEqualTo(WeightsMode.FP8_ALL);
        assertThat(settings.model().tensorParallel()).isEqualTo(2);
        assertThat(settings.model().threads()).isZero();
        assertThat(settings.model().kernels().name()).isEqualTo("vector");
        assertThat(settings.model().kv()).isEqualTo(KvType.BF16);
        assertThat(settings.engine()).isEqualTo(new EngineOptions(16, 2048, 256, 1L << 30));
        assertThat(settings.topics().prefix()).isEmpty();
        assertThat(settings.kafka().security()).isEqualTo("PLAINTEXT");
    }

    @Test
    void every_key_is_read() {
        Map<String, String> all = new HashMap<>(LEAST);
        all.put("altiplano.kafka.security", "SASL_PLAINTEXT");
        all.put("altiplano.kafka.mechanism", "PLAIN");
        all.put("altiplano.kafka.username", "worker");
        all.put("altiplano.kafka.password", "secret");
        all.put("altiplano.topics.prefix", "t1-");
        all.put("altiplano.worker.pool", "big");
        all.put("altiplano.worker.ordinal", "3");
        all.put("altiplano.worker.tp", "4");
        all.put("altiplano.worker.threads", "8");
        all.put("altiplano.worker.weights", "bf16");
        all.put("altiplano.worker.kernels", "reference");
        all.put("altiplano.worker.kv", "fp8");
        all.put("altiplano.worker.capacity", "7");
        all.put("altiplano.worker.kv-blocks", "99");
        all.put("altiplano.worker.step-tokens", "64");
        all.put("altiplano.worker.adapter-memory", "3");
        all.put("altiplano.worker.lease-term", "PT9S");
        all.put("altiplano.worker.heartbeat", "PT1S");
        all.put("altiplano.worker.drain", "PT2S");

        WorkerSettings settings = read(all);

        assertThat(settings.kafka().mechanism()).isEqualTo("PLAIN");
        assertThat(settings.kafka().username()).isEqualTo("worker");
        assertThat(settings.kafka().password()).isEqualTo("secret");
        assertThat(settings.topics().prefix()).isEqualTo("t1-");
        assertThat(settings.agent().workerId()).isEqualTo("big-3");
        assertThat(settings.agent().leaseTerm()).isEqualTo(Duration.ofSeconds(9));
        assertThat(settings.agent().heartbeat()).isEqualTo(Duration.ofSeconds(1));
        assertThat(settings.agent().drain()).isEqualTo(Duration.ofSeconds(2));
        assertThat(settings.model().tensorParallel()).isEqualTo(4);
        assertThat(settings.model().threads()).isEqualTo(8);
        assertThat(settings.model().weights()).isEqualTo(WeightsMode.BF16);
        assertThat(settings.model().kernels().name()).isNotEqualTo("vector");
        assertThat(settings.model().kv()).isEqualTo(KvType.FP8);
        assertThat(settings.engine()).isEqualTo(new EngineOptions(7, 99, 64, 3L << 20));
        assertThat(settings.modelsDir()).isEqualTo(Path.of("models"));
    }

    @ParameterizedTest
    @CsvSource({
        "altiplano.kafka.bootstrap, ''",
        "altiplano.models.dir, ''",
        "altiplano.kafka.security, TLS",
        "altiplano.kafka.security, SASL_SSL",
        "altiplano.kafka.mechanism, GSSAPI",
        "altiplano.topics.prefix, a b",
        "altiplano.worker.pool, Big",
        "altiplano.worker.ordinal, -1",
        "altiplano.worker.tp, 3",
        "altiplano.worker.threads, many",
        "altiplano.worker.weights, int4",
        "altiplano.worker.kernels, cuda",
        "altiplano.worker.capacity, 0",
        "altiplano.worker.kv-blocks, 0",
        "altiplano.worker.step-tokens, 1",
        "altiplano.worker.lease-term, 5",
        "altiplano.worker.heartbeat, PT4S",
        "altiplano.worker.drain, -PT1S",
    })
    void a_wrong_value_is_refused_by_its_keys_name(String key, String value) {
        Map<String, String> wrong = new HashMap<>(LEAST);
        wrong.put(key, value);
        assertThatThrownBy(() -> read(wrong))
                .isInstanceOf(WorkerSettings.InvalidSettingException.class)
                .hasMessageContaining(value.equals("SASL_SSL") ? "altiplano.kafka.username" : key);
    }

    private static WorkerSettings read(Map<String, String> keys) {
        return WorkerSettings.read(key -> Optional.ofNullable(keys.get(key)));
    }
}
