package io.altiplano.gateway.job;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.gateway.config.ClockSetBack;
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
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

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
    private final ReplyOffsets offsets;

    private volatile @Nullable Consumer<byte[], byte[]> polling;
    private volatile int claimed = -1;
    private volatile boolean running;

    /**
     * The wish to listen on a partition; done when the position is fixed.
     *
     * @param from since when; null: from now on, as its new holder
     */
    private record Listen(int partition, @Nullable Instant from, CompletableFuture<Void> done) {}

    @Inject
    Dispatcher(KafkaSettings kafka, TopicSettings topics, JobService jobs, ReplyLease lease, DeadLetterTopic letters) {
        config = kafka.toKafkaConfig().consumer();
        config.put("client.id", "gateway-replies");
        replies = topics.toTopics().replies();
        notices = topics.toTopics().notices();
        offsets = new ReplyOffsets(replies, notices);
        this.jobs = jobs;
        this.lease = lease;
        this.letters = letters;
    }

    /** Before the schema is looked after: the way to the broker takes as long, and waits for nothing else. */
    void connect(@Observes @Priority(50) StartupEvent event) {
        running = true;
        Thread.ofPlatform().name("reply-dispatcher").daemon().start(this::run);
    }

    void start(@Observes StartupEvent event) {
        Thread.ofVirtual().name("reply-lease-keeper").start(this::keepLease);
    }

    void stop(@Observes @Priority(2000) ShutdownEvent event) {
        running = false;
        stopped.countDown();
        lease.release();
    }

    void renew(@Observes ClockSetBack setBack) {
        Consumer<byte[], byte[]> consumer = polling;
        if (consumer != null) {
            consumer.wakeup();
        }
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
        listen(new Listen(address.getPartition(), null, new CompletableFuture<>()));
    }

    /**
     * Listens also where another gateway listened, from an instant on, for a job that is taken over and open here. What open
     * streams know already is no news to them.
     */
    void listenFrom(ReplyAddress address, Instant from) {
        listen(new Listen(address.getPartition(), from, new CompletableFuture<>()));
    }

    private void listen(Listen wish) {
        wanted.add(wish);
        wish.done.orTimeout(30, TimeUnit.SECONDS).join();
    }

    // -------------------------------------------------------------------------------------- the dispatcher's thread

    private void run() {
        while (running) {
            try (Consumer<byte[], byte[]> consumer =
                    new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                polling = consumer;
                resume(consumer);
                while (running) {
                    poll(consumer);
                }
            } catch (WakeupException e) {
                LOG.debug("reading replies goes on with a new consumer");
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
        offsets.resume(consumer);
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
        offsets.read(consumer, records.partitions());
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
        letters.count(record.topic(), 1);
    }

    private void adopt(Consumer<byte[], byte[]> consumer) {
        for (Listen wish = wanted.peek(); wish != null; wish = wanted.peek()) {
            try {
                adopt(consumer, wish);
            } catch (WakeupException e) {
                // Nothing is wrong with it: it is the next consumer's.
                throw e;
            } catch (RuntimeException e) {
                wanted.remove(wish);
                throw e;
            }
            wanted.remove(wish);
        }
    }

    private void adopt(Consumer<byte[], byte[]> consumer, Listen wish) {
        if (wish.from == null) {
            claimed = wish.partition;
        }
        Set<Integer> keep = jobs.partitionsInUse();
        keep.add(wish.partition);
        if (claimed >= 0) {
            keep.add(claimed);
        }
        offsets.listen(consumer, keep, wish.partition, wish.from);
        LOG.debugf("listening on partition %d", wish.partition);
        wish.done.complete(null);
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
