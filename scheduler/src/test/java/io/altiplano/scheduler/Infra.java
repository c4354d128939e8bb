package io.altiplano.scheduler;

import io.altiplano.contracts.KafkaConfig;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/** The running test infrastructure's Kafka. */
public final class Infra {
    private final Properties properties;

    private Infra(Properties properties) {
        this.properties = properties;
    }

    /** Reads where the infrastructure is; an absent one fails the test with the remedy. */
    public static Infra require() {
        Path file = Path.of(System.getProperty("altiplano.infra", ".altiplano/infra/infra.properties"));
        if (!Files.isReadable(file)) {
            throw new IllegalStateException("no test infrastructure at " + file + ": start it with ./altiplano infra");
        }
        Properties p = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            p.load(reader);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Infra(p);
    }

    /** Kafka as a principal: admin, gateway, scheduler or worker. */
    public KafkaConfig kafka(String principal) {
        return new KafkaConfig(
                get("kafka.bootstrap"),
                get("kafka.security"),
                get("kafka.mechanism"),
                get("kafka." + principal + ".username"),
                get("kafka." + principal + ".password"));
    }

    private String get(String key) {
        @Nullable String value = properties.getProperty(key);
        if (value == null) {
            throw new IllegalStateException(
                    "the test infrastructure's file lacks " + key + ": restart it with ./altiplano infra");
        }
        return value;
    }
}
