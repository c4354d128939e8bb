package io.altiplano.scheduler.app;

import io.altiplano.contracts.SetBack;
import io.altiplano.scheduler.topology.SchedulerTopology;
import io.altiplano.scheduler.topology.StreamsProperties;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** The whole application: configuration in, one KafkaStreams started and stopped. */
@ApplicationScoped
class SchedulerService {
    private static final Logger LOG = Logger.getLogger(SchedulerService.class);
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(20);
    private static final Duration LOOK = Duration.ofMillis(500);
    /** Ticks come ten times a second. */
    private static final Duration STUCK = Duration.ofSeconds(5);

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
        Thread.ofPlatform().name("clock-watch").daemon(true).start(this::watchClock);
    }

    /**
     * Where the machine's clock was set back, each partition's thread steps down at its next tick. One that waits in a poll, for a
     * broker that is away or for a partition, gets none: its client goes on only when the clock is as late as it was. Only a new
     * process helps, and loses nothing: whatever this one knew is in the log, and where it holds no partition it decides nothing.
     */
    private void watchClock() {
        SetBack clock = new SetBack();
        long stepDownNanos = 0;
        while (true) {
            LockSupport.parkNanos(LOOK.toNanos());
            Duration back = clock.told();
            if (!back.isZero()) {
                LOG.warnf("ClockSetBack by=%s", back);
                stepDownNanos = System.nanoTime();
            }
            if (stepDownNanos != 0 && System.nanoTime() - stepDownNanos > STUCK.toNanos()) {
                if (!watch.tickedSince(stepDownNanos)) {
                    LOG.errorf(
                            "SchedulerStuck since the clock was set back, or without partitions; this process ends and is to be started again");
                    Runtime.getRuntime().halt(1);
                }
                stepDownNanos = 0;
            }
        }
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
