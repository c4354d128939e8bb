package io.altiplano.scheduler.app;

import io.altiplano.scheduler.topology.SchedulerTopology;
import io.altiplano.scheduler.topology.StreamsProperties;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The whole application: configuration in, one KafkaStreams started and stopped. */
@ApplicationScoped
class SchedulerService {
    private static final Logger LOG = Logger.getLogger(SchedulerService.class);
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(20);

    private final KafkaSettings kafka;
    private final TopicSettings topics;
    private final SchedulerSettings settings;
    private final Watch watch;
    private volatile @Nullable KafkaStreams streams;

    SchedulerService(KafkaSettings kafka, TopicSettings topics, SchedulerSettings settings, Watch watch) {
        this.kafka = kafka;
        this.topics = topics;
        this.settings = settings;
        this.watch = watch;
    }

    void start(@Observes StartupEvent event) {
        StreamsProperties properties = new StreamsProperties(
                topics.topics(),
                kafka.config(),
                settings.stateDir(),
                settings.standbys(),
                settings.threads(),
                settings.changelogReplication(),
                settings.instanceId().orElse(""),
                settings.session());
        KafkaStreams s = new KafkaStreams(
                SchedulerTopology.build(topics.topics(), settings.core(), watch, settings.tick(), settings.session()),
                properties.properties(),
                new SteadyTime());
        s.setUncaughtExceptionHandler(e -> {
            LOG.errorf(e, "StreamThreadReplaced application=%s", properties.applicationId());
            return StreamThreadExceptionResponse.REPLACE_THREAD;
        });
        s.setStateListener((now, before) -> LOG.infof("SchedulerState from=%s to=%s", before, now));
        streams = s;
        s.start();
    }

    /** Commits what is done and leaves the group, so that another replica takes over at once. */
    void stop(@Observes ShutdownEvent event) {
        KafkaStreams s = streams;
        if (s != null
                && !s.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(CLOSE_WITHIN))) {
            LOG.errorf("SchedulerStopTimeout seconds=%d", CLOSE_WITHIN.toSeconds());
        }
    }

    /** The state of Kafka Streams by name, "NOT_STARTED" before there is one. */
    String state() {
        KafkaStreams s = streams;
        return s == null ? "NOT_STARTED" : s.state().name();
    }

    /** Every partition that this process was given is restored and decides; a replica that was given none is ready too. */
    boolean ready() {
        KafkaStreams s = streams;
        if (s == null || s.state() != KafkaStreams.State.RUNNING) {
            return false;
        }
        int given = s.metadataForLocalThreads().stream()
                .mapToInt(thread -> thread.activeTasks().size())
                .sum();
        return watch.caughtUp() >= given;
    }

    /** Not beyond repair: rebalancing and restoring are signs of life. */
    boolean alive() {
        KafkaStreams s = streams;
        return s == null || s.state().isRunningOrRebalancing() || s.state() == KafkaStreams.State.CREATED;
    }
}
