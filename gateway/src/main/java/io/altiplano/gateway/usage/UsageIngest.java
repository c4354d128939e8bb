package io.altiplano.gateway.usage;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.gateway.config.ClockSetBack;
import io.altiplano.gateway.config.KafkaSettings;
import io.altiplano.gateway.config.TopicSettings;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Shutdown;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code jobs} and posts each JobFinished to the ledger. Gateways share the partitions as a consumer group, but how far
 * a partition is posted stands in PostgreSQL, moved by compare-and-set in the transaction that posts. So a batch is posted by
 * one gateway even while two believe that they hold its partition, a crash at any point repeats or loses nothing, and reading
 * again from offset 0 changes nothing. What a poll brings of several partitions is posted at once.
 *
 * <p>One rule covers first assignment, an overtaken batch and a database that is away: the partition is <em>unplaced</em>. It
 * is paused until its next offset has been read from PostgreSQL and sought. A record that cannot be posted goes to the dead
 * letters with its place and does not hold up the others.
 */
@ApplicationScoped
public class UsageIngest {
    private static final Logger LOG = Logger.getLogger(UsageIngest.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration RETRY = Duration.ofMillis(200);
    private static final Duration MEASURED = Duration.ofSeconds(1);
    private static final Duration MOST_MEASURING = Duration.ofMillis(500);
    private static final long START_AGAIN_MILLIS = 1000;
    private static final Duration MOST_STOPPING = Duration.ofSeconds(5);

    private final KafkaSettings kafka;
    private final Topics topics;
    private final Ledger ledger;
    private final DeadLetterTopic letters;
    private final Posters posters = new Posters();
    private final CountDownLatch stopping = new CountDownLatch(1);
    private final Map<TopicPartition, Long> next = new HashMap<>();
    private final Set<TopicPartition> unplaced = new HashSet<>();
    /** As next, and of an unplaced partition what was known last. */
    private final Map<TopicPartition, Long> posted = new HashMap<>();

    private final Generations generations = new Generations();
    private volatile @Nullable Consumer<byte[], byte[]> consumer;
    private @Nullable Thread thread;
    private long placeAfter;
    private long measureAfter;
    private final AtomicLong behind = new AtomicLong();
    private final AtomicInteger waiting = new AtomicInteger();

    @Inject
    UsageIngest(
            KafkaSettings kafka, TopicSettings topics, Ledger ledger, DeadLetterTopic letters, MeterRegistry registry) {
        this.kafka = kafka;
        this.topics = topics.toTopics();
        this.ledger = ledger;
        this.letters = letters;
        Gauge.builder("altiplano.ledger.lag", behind, AtomicLong::get)
                .description("Records of jobs that this gateway has still to post to the ledger")
                .register(registry);
        Gauge.builder("altiplano.ledger.partitions.waiting", waiting, AtomicInteger::get)
                .description("Partitions of jobs that this gateway cannot post until PostgreSQL answers")
                .register(registry);
    }

    @Startup
    void start() {
        thread = Thread.ofPlatform().name("usage-ingest").daemon(true).start(this::run);
    }

    @Shutdown
    void stop() throws InterruptedException {
        stopping.countDown();
        Consumer<byte[], byte[]> running = consumer;
        if (running != null) {
            running.wakeup();
        }
        if (thread != null) {
            thread.join(MOST_STOPPING);
        }
        posters.close();
    }

    void renew(@Observes ClockSetBack setBack) {
        Consumer<byte[], byte[]> running = consumer;
        if (running != null) {
            running.wakeup();
        }
    }

    private void run() {
        while (stopping.getCount() > 0) {
            try (Consumer<byte[], byte[]> fresh =
                    new KafkaConsumer<>(properties(), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                consumer = fresh;
                next.clear();
                unplaced.clear();
                posted.clear();
                placeAfter = System.nanoTime();
                measureAfter = placeAfter;
                fresh.subscribe(List.of(topics.jobs()), new Placing(fresh));
                while (stopping.getCount() > 0) {
                    step(fresh);
                }
            } catch (WakeupException e) {
                LOG.debug("usage ingestion stops, or goes on with a new consumer");
            } catch (RuntimeException e) {
                LOG.errorf(e, "usage ingestion failed and starts again; nothing is lost");
                pauseBeforeStart();
            } finally {
                consumer = null;
            }
        }
    }

    private void pauseBeforeStart() {
        try {
            if (stopping.await(START_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
                LOG.debug("usage ingestion stops");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopping.countDown();
        }
    }

    private Map<String, Object> properties() {
        Map<String, Object> p = kafka.toKafkaConfig().consumer();
        p.put("group.id", topics.prefix() + "gateway-usage");
        p.put("client.id", "gateway-usage");
        // A gateway that was killed gives its partitions up after this; billing then goes on elsewhere.
        p.put("session.timeout.ms", 6000);
        p.put("heartbeat.interval.ms", 1500);
        // A transaction a partition and poll, those of several partitions at once: where many jobs end, the more in one
        // the better.
        p.put("max.poll.records", 10_000);
        // And nobody waits for a row of the ledger: what comes within this time goes together.
        p.put("fetch.min.bytes", 65_536);
        p.put("fetch.max.wait.ms", 100);
        return p;
    }

    /** Assigned partitions begin unplaced. */
    private final class Placing implements ConsumerRebalanceListener {
        private final Consumer<byte[], byte[]> consumer;

        Placing(Consumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            partitions.forEach(partition -> unplace(consumer, partition));
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            partitions.forEach(partition -> {
                next.remove(partition);
                unplaced.remove(partition);
                posted.remove(partition);
            });
        }
    }

    private void unplace(Consumer<byte[], byte[]> from, TopicPartition partition) {
        from.pause(List.of(partition));
        next.remove(partition);
        unplaced.add(partition);
    }

    private void step(Consumer<byte[], byte[]> from) {
        place(from);
        var records = from.poll(unplaced.isEmpty() ? POLL : RETRY);
        List<Callable<Reached>> postings = new ArrayList<>();
        for (TopicPartition partition : records.partitions()) {
            Long expected = next.get(partition);
            if (expected != null) {
                postings.add(() -> post(partition, expected, records.records(partition)));
            }
        }
        for (Reached reached : postings.isEmpty() ? List.<Reached>of() : posters.all(postings)) {
            if (reached.placed()) {
                next.put(reached.partition(), reached.next());
                posted.put(reached.partition(), reached.next());
            } else {
                unplace(from, reached.partition());
            }
            if (reached.later()) {
                placeAfter = System.nanoTime() + RETRY.toNanos();
            }
        }
        measure(from);
    }

    /** About once a second; also of partitions that wait, which are not fetched. */
    private void measure(Consumer<byte[], byte[]> from) {
        waiting.set(unplaced.size());
        if (posted.isEmpty()) {
            behind.set(0);
            return;
        }
        if (System.nanoTime() - measureAfter < 0) {
            return;
        }
        measureAfter = System.nanoTime() + MEASURED.toNanos();
        try {
            Map<TopicPartition, Long> ends = from.endOffsets(posted.keySet(), MOST_MEASURING);
            behind.set(posted.entrySet().stream()
                    .mapToLong(e -> Math.max(0, ends.getOrDefault(e.getKey(), 0L) - e.getValue()))
                    .sum());
        } catch (TimeoutException e) {
            LOG.debugf("how far the ledger is behind is asked again: %s", e.getMessage());
        }
    }

    private void place(Consumer<byte[], byte[]> from) {
        if (unplaced.isEmpty() || System.nanoTime() - placeAfter < 0) {
            return;
        }
        for (TopicPartition partition : List.copyOf(unplaced)) {
            try {
                LedgerStore.Place place = ledger.place(partition.topic(), partition.partition());
                generations.begin(partition, place.offset(), place.generation());
                from.seek(partition, place.offset());
                next.put(partition, place.offset());
                posted.put(partition, place.offset());
                unplaced.remove(partition);
                from.resume(List.of(partition));
            } catch (DatabaseUnavailableException e) {
                LOG.debugf("%s stays unplaced: %s", partition, e.getMessage());
                placeAfter = System.nanoTime() + RETRY.toNanos();
                return;
            }
        }
    }

    /**
     * How far a partition is posted.
     *
     * @param next the next offset to post
     * @param placed whether that is known; else it is to be read again
     * @param later whether that is to be tried after a while, the database being away
     */
    private record Reached(TopicPartition partition, long next, boolean placed, boolean later) {}

    /** Posts a partition's records; touches nothing of this but what is safe for several partitions at once. */
    private Reached post(TopicPartition partition, long expected, List<ConsumerRecord<byte[], byte[]>> records) {
        if (records.getFirst().offset() < expected) {
            LOG.warnf("%s begins again before offset %d: the topic was made anew", partition, expected);
        }
        long end = records.getLast().offset() + 1;
        try {
            return switch (post(Batches.of(generations, partition, expected, records))) {
                case YES -> new Reached(partition, end, true, false);
                case OVERTAKEN -> new Reached(partition, expected, false, false);
                case REFUSED -> {
                    // Finds the records that the database refuses: they are buried, the others posted.
                    long next = Batches.postOneByOne(this::post, generations, partition, expected, records);
                    yield new Reached(partition, next, next == end, false);
                }
            };
        } catch (DatabaseUnavailableException e) {
            LOG.warnf("%s waits: %s", partition, e.getMessage());
            return new Reached(partition, expected, false, true);
        }
    }

    /** What is buried stands in the ledger's own table with the offset; operators are told of it beside all other dead letters. */
    private Ledger.Posted post(Batch batch) {
        batch.dead()
                .forEach(letter -> letters.bury(
                        batch.topic(),
                        batch.partition(),
                        letter.offset(),
                        DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED,
                        letter.reason()));
        Ledger.Posted done = ledger.post(batch);
        if (done == Ledger.Posted.YES) {
            letters.count(batch.topic(), batch.dead().size());
        }
        return done;
    }
}
