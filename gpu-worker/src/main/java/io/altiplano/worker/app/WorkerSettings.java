package io.altiplano.worker.app;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.worker.agent.AgentSettings;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.kernel.KvType;
import io.altiplano.worker.model.ModelOptions;
import io.altiplano.worker.model.WeightsMode;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The worker's configuration, valid as a whole or refused by the name of the key that is wrong.
 *
 * @param kafka how to reach the broker
 * @param topics the topics' names
 * @param modelsDir the model store
 * @param agent who this worker is
 * @param model how models are loaded
 * @param engine the engines' size
 */
public record WorkerSettings(
        KafkaConfig kafka,
        Topics topics,
        Path modelsDir,
        AgentSettings agent,
        ModelOptions model,
        EngineOptions engine) {

    /** A key whose value is missing or wrong. */
    public static final class InvalidSettingException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        InvalidSettingException(String message) {
            super(message);
        }
    }

    /**
     * Reads the keys under {@code altiplano.} that the README lists.
     *
     * @param lookup a key's value, if it is set
     * @throws InvalidSettingException naming the key
     */
    public static WorkerSettings read(Function<String, Optional<String>> lookup) {
        Keys keys = new Keys(lookup);
        String security =
                keys.oneOf("altiplano.kafka.security", "PLAINTEXT", "PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL");
        boolean sasl = security.startsWith("SASL");
        KafkaConfig kafka = new KafkaConfig(
                keys.required("altiplano.kafka.bootstrap"),
                security,
                keys.oneOf("altiplano.kafka.mechanism", "SCRAM-SHA-512", "SCRAM-SHA-512", "PLAIN"),
                sasl ? keys.required("altiplano.kafka.username") : "",
                sasl ? keys.required("altiplano.kafka.password") : "");
        int capacity = keys.integer("altiplano.worker.capacity", 16, 1, 1024);
        Duration leaseTerm = keys.duration("altiplano.worker.lease-term", "PT5S");
        return new WorkerSettings(
                kafka,
                keys.checked("altiplano.topics.prefix", "", Topics::new),
                keys.checked("altiplano.models.dir", null, Path::of),
                new AgentSettings(
                        keys.checked("altiplano.worker.pool", "default", Topics::requirePool),
                        keys.integer("altiplano.worker.ordinal", 0, 0, 1_000_000),
                        capacity,
                        leaseTerm,
                        keys.atMost("altiplano.worker.heartbeat", "PT0.5S", leaseTerm.dividedBy(2)),
                        keys.duration("altiplano.worker.drain", "PT10S")),
                new ModelOptions(
                        keys.checked("altiplano.worker.weights", "fp8-all", WeightsMode::of),
                        keys.checked("altiplano.worker.tp", "2", EngineChoices::tensorParallel),
                        keys.integer("altiplano.worker.threads", 0, 0, 1024),
                        keys.checked("altiplano.worker.kernels", "vector", EngineChoices::kernels),
                        keys.checked("altiplano.worker.kv", "bf16", KvType::of)),
                new EngineOptions(
                        capacity,
                        keys.integer("altiplano.worker.kv-blocks", 2048, 1, 1 << 24),
                        keys.integer("altiplano.worker.step-tokens", Math.max(256, capacity), capacity, 1 << 20),
                        (long) keys.integer("altiplano.worker.adapter-memory", 1024, 0, 1 << 20) << 20));
    }

    /** Reads keys one by one. */
    private record Keys(Function<String, Optional<String>> lookup) {
        String required(String key) {
            return lookup.apply(key)
                    .filter(value -> !value.isBlank())
                    .orElseThrow(() -> new InvalidSettingException(key + " is not set"));
        }

        <T> T checked(String key, @Nullable String fallback, Function<String, T> parse) {
            String value = fallback == null ? required(key) : lookup.apply(key).orElse(fallback);
            try {
                return parse.apply(value);
            } catch (RuntimeException e) {
                throw new InvalidSettingException(key + ": " + e.getMessage());
            }
        }

        String oneOf(String key, String fallback, String... choices) {
            String value = lookup.apply(key).orElse(fallback);
            for (String choice : choices) {
                if (choice.equals(value)) {
                    return value;
                }
            }
            throw new InvalidSettingException(
                    key + " must be one of " + String.join(", ", choices) + ", not '" + value + "'");
        }

        int integer(String key, int fallback, int least, int most) {
            String value = lookup.apply(key).orElse(Integer.toString(fallback));
            try {
                int parsed = Integer.parseInt(value.strip());
                if (parsed >= least && parsed <= most) {
                    return parsed;
                }
            } catch (NumberFormatException e) {
                // Said below, with the bounds.
            }
            throw new InvalidSettingException(
                    key + " must be a whole number from " + least + " to " + most + ", not '" + value + "'");
        }

        Duration duration(String key, String fallback) {
            String value = lookup.apply(key).orElse(fallback);
            try {
                Duration parsed = Duration.parse(value);
                if (!parsed.isNegative()) {
                    return parsed;
                }
            } catch (DateTimeParseException e) {
                // Said below, with the form.
            }
            throw new InvalidSettingException(key + " must be a duration like PT5S, not '" + value + "'");
        }

        Duration atMost(String key, String fallback, Duration most) {
            Duration parsed = duration(key, fallback);
            if (parsed.isZero() || parsed.compareTo(most) > 0) {
                throw new InvalidSettingException(key + " must be above 0 and at most " + most
                        + " (half of altiplano.worker.lease-term), not " + parsed);
            }
            return parsed;
        }
    }
}
