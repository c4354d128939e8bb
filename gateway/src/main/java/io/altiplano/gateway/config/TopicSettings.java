package io.altiplano.gateway.config;

import io.altiplano.contracts.Topics;
import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/** {@code altiplano.topics.*}: how this platform's topics are called. */
@ConfigMapping(prefix = "altiplano.topics")
public interface TopicSettings {
    /** Put before every topic's name, to keep platforms on one broker apart; none in production. */
    Optional<String> prefix();

    /** The topics under the prefix. */
    default Topics toTopics() {
        return new Topics(prefix().orElse(""));
    }
}
