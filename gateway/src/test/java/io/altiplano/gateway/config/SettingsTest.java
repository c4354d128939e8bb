package io.altiplano.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.gateway.access.KeySettings;
import io.altiplano.gateway.policy.PolicySettings;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A setting that cannot be meant stops the start and is named. */
class SettingsTest {
    @Test
    void defaultsAndWhatIsSetAreTaken() {
        KeySettings keys = read(KeySettings.class, Map.of("altiplano.keys.pepper", "00"));
        assertThat(keys.env()).isEqualTo("dev");
        assertThat(read(PolicySettings.class, Map.of("altiplano.policy.reports-per-hour", "1"))
                        .reportsPerHour())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "production", "Live", "li_ve", "l1ve", "live\n"})
    void anEnvironmentThatNoKeyCanNameIsRefused(String env) {
        Map<String, String> settings = Map.of("altiplano.keys.pepper", "00", "altiplano.keys.env", env);
        assertThatThrownBy(() -> read(KeySettings.class, settings))
                .hasMessageContaining("altiplano.keys.env")
                .hasMessageContaining("2 to 8 letters");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "1.5", "99999999999"})
    void aNumberOfReportsBelowOneIsRefused(String number) {
        Map<String, String> settings = Map.of("altiplano.policy.reports-per-hour", number);
        assertThatThrownBy(() -> read(PolicySettings.class, settings))
                .hasMessageContaining("altiplano.policy.reports-per-hour");
    }

    private static <T> T read(Class<T> mapping, Map<String, String> settings) {
        return new SmallRyeConfigBuilder()
                .withMapping(mapping)
                .withSources(new PropertiesConfigSource(settings, "test", 500))
                .build()
                .getConfigMapping(mapping);
    }
}
