package io.altiplano.scheduler.app;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.scheduler.Infra;
import io.altiplano.scheduler.TestTopics;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/** Topics of its own on the infrastructure's broker, and the service's configuration to use them. */
public final class OnInfra implements QuarkusTestResourceLifecycleManager {
    private @Nullable TestTopics created;

    @Override
    public Map<String, String> start() {
        Infra infra = Infra.require();
        String prefix = "t" + UUID.randomUUID().toString().substring(0, 8) + "-";
        KafkaConfig kafka = infra.kafka("scheduler");
        try {
            created = new TestTopics(infra.kafka("admin"), new Topics(prefix));
            return Map.of(
                    "altiplano.kafka.bootstrap", kafka.bootstrapServers(),
                    "altiplano.kafka.security", kafka.security(),
                    "altiplano.kafka.mechanism", kafka.mechanism(),
                    "altiplano.kafka.username", kafka.username(),
                    "altiplano.kafka.password", kafka.password(),
                    "altiplano.topics.prefix", prefix,
                    "altiplano.scheduler.state-dir",
                            Files.createTempDirectory("scheduler-test").toString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void stop() {
        TestTopics topics = created;
        if (topics == null) {
            return;
        }
        try {
            topics.close();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
