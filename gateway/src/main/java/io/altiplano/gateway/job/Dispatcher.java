package io.altiplano.gateway.job;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.altiplano.gateway.usage.DeadLetterTopic;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;

/**
 * Reads the gateway's partitions of {@code replies} and {@code notices} and feeds the streams: one thread, which never
 * waits for a client nor for PostgreSQL. A stream is woken once a poll, however many of its deltas the poll brought.
 *
 * <p>It listens on the claimed partition, from its end at the time of the claim, and on those that open streams of earlier
 * claims still wait on. After a failed poll it goes on from where it stood.
 */
@ApplicationScoped
public class Dispatcher {
    private static final Logger LOG = Logger.getLogger(Dispatcher.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration METADATA = Duration.ofSeconds(5);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(500);

    private final Map<String, Object> config;
    private final String replies;
    private final String notices;
    private final JobService jobs;
    private final ReplyLease lease;
    private final DeadLetterTopic letters;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final ConcurrentLinkedQueue<Listen> wanted = new ConcurrentLinkedQueue<>();
    private final CompletableFuture<Integer> partitionCount = new CompletableFuture<>();
    private final Map<TopicPartition, Long> positions = new HashMap<>();
    private volatile int claimed = -1;
    private volatile boolean running;

    /** The keeper's wish to listen on a partition; done when the position is fixed. */
    private record Listen(int partition, CompletableFuture<Void> done) {}

    @Inject
    Dispatcher(KafkaSettings kafka, TopicSettings topics, JobService jobs, ReplyLease lease, DeadLetterTopic letters) {
        config = kafka.toKafkaConfig().consumer();
        config.put("client.id", "gateway-replies");
        replies = topics.toTopics().replies();
        notices = topics.toTopics().notices();
        this.jobs = jobs;
        this.lease = lease;
        this.letters = letters;
    }

    void start(@Observes StartupEvent event) {
        running = true;
        Thread.ofPlatform().name("reply-dispatcher").daemon().start(this::run);
        Thread.ofVirtual().name("reply-lease-keeper").start(this::keepLease);
    }

    void stop(@Observes @Priority(2000) ShutdownEvent event) {
        running = false;
        stopped.countDown();
        lease.release();
    }

    /** Whether it listens on a claimed partition. */
    public boolean ready() {
        return lease.current().isPresent();
    }

    // ------------------------------------------------------------------------------------------ the keeper's thread

    private void keepLease() {
        while (running) {
            boolean held = false;
            try {
                held = lease.keep(partitionCount.get(), this::listen);
                jobs.sweep();
            } catch (InterruptedException e) {
                return;
            } catch (Exception e) {
                LOG.warnf("reply lease: %s", e.toString());
            }
            long pause = held ? Math.min(lease.renewEvery().toMillis(), 1000) : PAUSE_AFTER_FAILURE.toMillis();
            if (pausedUntilStop(pause)) {
                return;
            }
        }
    }

    private void listen(ReplyAddress address) {
        Listen wish = new Listen(address.getPartition(), new CompletableFuture<>());
        wanted.add(wish);
        wish.done.orTimeout(30, TimeUnit.SECONDS).join();
    }

    // -------------------------------------------------------------------------------------- the dispatcher's thread

    private void run() {
        while (running) {
            try (Consumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                resume(consumer);
                while (running) {
                    poll(consumer);
                }
            } catch (WakeupException e) {
                return;
            } catch (RuntimeException e) {
                LOG.warnf("reading replies failed, going on: %s", e.toString());
                if (pausedUntilStop(PAUSE_AFTER_FAILURE.toMillis())) {
                    return;
                }
            }
        }
    }

    private void resume(Consumer<byte[], byte[]> consumer) {
        if (!partitionCount.isDone()) {
            int replyPartitions = consumer.partitionsFor(replies, METADATA).size();
            int noticePartitions = consumer.partitionsFor(notices, METADATA).size();
            partitionCount.complete(Math.min(replyPartitions, noticePartitions));
        }
        consumer.assign(positions.keySet());
        positions.forEach(consumer::seek);
    }

    private void poll(Consumer<byte[], byte[]> consumer) {
        adopt(consumer);
        if (consumer.assignment().isEmpty()) {
            var _ = pausedUntilStop(20);
            return;
        }
        // A new claim waits at most this long; it happens at the start and after a lost claim.
        ConsumerRecords<byte[], byte[]> records = consumer.poll(wanted.isEmpty() ? POLL : Duration.ZERO);
        Set<JobStream> touched = new LinkedHashSet<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            take(record, touched);
        }
        touched.forEach(JobStream::signal);
        for (TopicPartition partition : records.partitions()) {
            positions.put(partition, consumer.position(partition));
        }
    }

    /** What cannot be taken in is buried and passed over: one bad record must not stop every stream. */
    private void take(ConsumerRecord<byte[], byte[]> record, Set<JobStream> touched) {
        try {
            if (record.topic().equals(replies)) {
                ReplyRecord reply = Topics.REPLY.decode(record.value());
                for (ReplyDelta delta : reply.getDeltasList()) {
                    jobs.route(delta).ifPresent(touched::add);
                }
            } else {
                jobs.notice(Topics.NOTICE.decode(record.value()));
            }
        } catch (SerializationException e) {
            bury(record, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            LOG.error("a reply or notice could not be handled", e);
            bury(record, DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED, e.toString());
        }
    }

    private void bury(ConsumerRecord<byte[], byte[]> record, DeadLetterReason reason, String why) {
        letters.bury(record.topic(), record.partition(), record.offset(), reason, why);
    }

    private void adopt(Consumer<byte[], byte[]> consumer) {
        for (Optional<Listen> next = Optional.ofNullable(wanted.poll());
                next.isPresent();
                next = Optional.ofNullable(wanted.poll())) {
            Listen wish = next.get();
            claimed = wish.partition;
            Set<Integer> keep = jobs.partitionsInUse();
            keep.add(wish.partition);
            Set<TopicPartition> assignment = keep.stream()
                    .flatMap(p -> Stream.of(new TopicPartition(replies, p), new TopicPartition(notices, p)))
                    .collect(Collectors.toSet());
            consumer.assign(assignment);
            positions.keySet().retainAll(assignment);
            for (TopicPartition partition : assignment) {
                if (!positions.containsKey(partition)) {
                    consumer.seekToEnd(Set.of(partition));
                    positions.put(partition, consumer.position(partition, METADATA));
                }
            }
            LOG.debugf("listening on partition %d", claimed);
            wish.done.complete(null);
        }
    }

    private boolean pausedUntilStop(long millis) {
        try {
            return stopped.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
