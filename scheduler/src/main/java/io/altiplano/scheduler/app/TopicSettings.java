package io.altiplano.scheduler.app;

import io.altiplano.contracts.Topics;
import io.smallrye.config.ConfigMapping;
import java.util.Optional;

/** {@code altiplano.topics.*}. */
@ConfigMapping(prefix = "altiplano.topics")
interface TopicSettings {
    /** Put before every topic's name; empty in production. */
    Optional<String> prefix();

    default Topics topics() {
        return new Topics(prefix().orElse(""));
    }
}
