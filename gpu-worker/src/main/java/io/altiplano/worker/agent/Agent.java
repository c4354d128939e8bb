package io.altiplano.worker.agent;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.worker.engine.ModelStore;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.jspecify.annotations.Nullable;

/**
 * The worker's part of the job protocol. It lives in incarnations: each has a new boot id, notes the end of its {@code
 * work} partition before its first heartbeat (so that no grant of an earlier boot is taken for its own), and takes grants
 * until the process ends or its heartbeats are no longer acknowledged. Then it abandons what it runs, and a new
 * incarnation begins as soon as the broker can be reached: to the scheduler it is a new boot, whose predecessor's leases end
 * at once.
 */
public final class Agent implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration LOOK = Duration.ofMillis(10);
    private static final Duration RETRY = Duration.ofSeconds(1);
    private static final Duration LAST_WORDS = Duration.ofSeconds(3);

    private final AgentSettings settings;
    private final KafkaConfig kafka;
    private final Topics topics;
    private final ModelStore models;
    private final Clock clock;
    private final Future<?> loaded;
    private final Thread thread;
    private final CountDownLatch closing = new CountDownLatch(1);

    private volatile @Nullable Incarnation current;
    private volatile @Nullable HeartbeatWatch watch;
    private volatile boolean acknowledgedOnce;
    private volatile @Nullable Consumer<String, byte[]> polling;

    /** Over models that are there. */
    public Agent(AgentSettings settings, KafkaConfig kafka, Topics topics, ModelStore models, Clock clock) {
        this(settings, kafka, topics, models, CompletableFuture.completedFuture(null), clock);
    }

    /**
     * Starts at once, in a thread of its own; reaches for the broker until it answers.
     *
     * @param loaded done, however, when the models are loaded: before that it sends no heartbeat, so that nobody grants it work
     */
    public Agent(
            AgentSettings settings,
            KafkaConfig kafka,
            Topics topics,
            ModelStore models,
            Future<?> loaded,
            Clock clock) {
        this.settings = settings;
        this.kafka = kafka;
        this.topics = topics;
        this.models = models;
        this.clock = clock;
        this.loaded = loaded;
        this.thread = Thread.ofPlatform().name("agent").daemon(true).start(this::live);
    }

    /** Whether the scheduler can count on this worker: its heartbeats are acknowledged and it is not shutting down. */
    public boolean isReady() {
        HeartbeatWatch heartbeats = watch;
        return acknowledgedOnce
                && heartbeats != null
                && !heartbeats.isLost(System.nanoTime())
                && closing.getCount() > 0;
    }

    /** Whether its thread runs. */
    public boolean isAlive() {
        return thread.isAlive();
    }

    /** The present boot id; empty while the broker is out of reach. */
    public String bootId() {
        Incarnation incarnation = current;
        return incarnation == null ? "" : incarnation.bootId();
    }

    /**
     * Drains: tells the scheduler, lets running attempts end for as long as the settings allow, ends the rest as faulted
     * with the code "draining", and stops.
     */
    @Override
    public void close() {
        closing.countDown();
        Consumer<String, byte[]> consumer = polling;
        if (consumer != null) {
            consumer.wakeup();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void live() {
        AgentLog log = new AgentLog(settings.workerId(), "-");
        while (!waitForClosing(Duration.ZERO)) {
            String bootId = UUID.randomUUID().toString();
            try (Incarnation incarnation = new Incarnation(settings, bootId, kafka, topics, models, clock)) {
                current = incarnation;
                serve(incarnation);
            } catch (RuntimeException e) {
                log.warn("incarnation_failed", "error=" + e);
            } finally {
                current = null;
                watch = null;
                acknowledgedOnce = false;
            }
            waitForClosing(RETRY);
        }
    }

    private void serve(Incarnation incarnation) {
        TopicPartition partition = new TopicPartition(topics.work(settings.pool()), settings.ordinal());
        try (Consumer<String, byte[]> work =
                new KafkaConsumer<>(kafka.consumer(), new StringDeserializer(), new ByteArrayDeserializer())) {
            requirePartition(work, partition);
            work.assign(List.of(partition));
            long end = work.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
            work.seek(partition, end);
            if (!awaitLoaded()) {
                return;
            }
            incarnation.log().info("worker_booted", "work_offset=" + end);
            HeartbeatWatch heartbeats = new HeartbeatWatch(settings.leaseTerm(), System.nanoTime());
            watch = heartbeats;
            Thread beating =
                    Thread.ofPlatform().name("heartbeat").daemon(true).start(() -> beat(incarnation, heartbeats));
            Thread waking =
                    Thread.ofPlatform().name("heartbeat-watch").daemon(true).start(() -> wake(heartbeats, work));
            polling = work;
            try {
                takeWork(incarnation, heartbeats, work);
            } finally {
                polling = null;
                beating.interrupt();
                waking.interrupt();
            }
        }
    }

    /** Whether the models are loaded; not if the worker closes before. */
    private boolean awaitLoaded() {
        while (!loaded.isDone()) {
            if (waitForClosing(LOOK)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Once the leases may be lost, polling must end. It counts its time by the machine's other clock: if that is set back meanwhile,
     * it goes on for as much.
     */
    static void wake(HeartbeatWatch heartbeats, Consumer<?, ?> work) {
        while (!Thread.interrupted()) {
            if (heartbeats.isLost(System.nanoTime())) {
                work.wakeup();
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    /** Polls until the leases may be lost, or until the worker has drained. */
    private void takeWork(Incarnation incarnation, HeartbeatWatch heartbeats, Consumer<String, byte[]> work) {
        long drainUntil = 0;
        while (true) {
            if (heartbeats.isLost(System.nanoTime())) {
                incarnation.log().warn("heartbeats_lost", "no heartbeat was acknowledged in time");
                incarnation.abandon();
                return;
            }
            if (!incarnation.draining() && waitForClosing(Duration.ZERO)) {
                incarnation.startDraining();
                incarnation
                        .log()
                        .info("draining", "attempts=" + incarnation.attempts().size());
                drainUntil = System.nanoTime() + settings.drain().toNanos();
            }
            if (incarnation.draining() && (incarnation.attempts().isEmpty() || System.nanoTime() - drainUntil >= 0)) {
                lastWords(incarnation);
                return;
            }
            poll(incarnation, work);
        }
    }

    private static void poll(Incarnation incarnation, Consumer<String, byte[]> work) {
        try {
            for (ConsumerRecord<String, byte[]> found : work.poll(POLL)) {
                incarnation.work(found);
            }
        } catch (WakeupException e) {
            // The agent is closing, as the caller sees next.
        }
    }

    /** Ends the rest, and waits a little until the broker has heard of it. */
    private void lastWords(Incarnation incarnation) {
        incarnation.stopForDrain();
        long until = System.nanoTime() + LAST_WORDS.toNanos();
        while (!incarnation.attempts().isEmpty() && System.nanoTime() - until < 0) {
            LockSupport.parkNanos(10_000_000);
        }
        incarnation.outbox().flush();
        incarnation.log().info("drained", "attempts=" + incarnation.attempts().size());
    }

    /** Beats until interrupted, and at once when draining begins. */
    private void beat(Incarnation incarnation, HeartbeatWatch heartbeats) {
        long sequence = 0;
        boolean interrupted = false;
        while (!interrupted) {
            boolean toldOfDraining = incarnation.draining();
            long sent = System.nanoTime();
            incarnation.outbox().heartbeat(incarnation.heartbeat(++sequence), error -> {
                if (error == null) {
                    acknowledgedOnce = true;
                    heartbeats.acknowledged(sent);
                } else {
                    incarnation.log().warn("heartbeat_failed", "error=" + error.getMessage());
                }
            });
            try {
                incarnation.awaitHeartbeat(settings.heartbeat(), toldOfDraining);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
    }

    private void requirePartition(Consumer<String, byte[]> work, TopicPartition partition) {
        int partitions = work.partitionsFor(partition.topic()).size();
        if (settings.ordinal() >= partitions) {
            throw new IllegalStateException("worker ordinal " + settings.ordinal() + " has no partition: topic "
                    + partition.topic() + " has " + partitions + "; create it, or lower altiplano.worker.ordinal");
        }
    }

    private boolean waitForClosing(Duration atMost) {
        try {
            return closing.await(atMost.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            closing.countDown();
            return true;
        }
    }
}
