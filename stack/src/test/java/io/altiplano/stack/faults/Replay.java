package io.altiplano.stack.faults;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.stack.infra.KafkaServer;
import io.altiplano.stack.platform.ServiceSpecs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Reads the platform's topics, and writes into them what the broker or a faulty producer might. */
final class Replay {
    /** Enough to hold one of each worker behind whatever was repeated. */
    private static final int HEARTBEATS = 200;

    private Replay() {}

    private static List<String> topics(Cluster cluster) {
        Topics t = cluster.topics();
        return List.of(
                t.submissions(),
                t.attempts(),
                t.workers(),
                t.jobs(),
                t.replies(),
                t.notices(),
                t.work(ServiceSpecs.POOL));
    }

    /** Sends the last {@code count} records of each partition of each topic again, as they were, to the same partition. */
    static void last(Cluster cluster, int count, RandomGenerator random, boolean shuffled) {
        try (var consumer = consumer(cluster);
                var producer = producer(cluster)) {
            for (String topic : topics(cluster)) {
                List<TopicPartition> partitions = partitions(consumer, topic);
                Map<TopicPartition, Long> from = new HashMap<>();
                Map<TopicPartition, Long> begin = consumer.beginningOffsets(partitions);
                consumer.endOffsets(partitions)
                        .forEach((p, end) -> from.put(p, Math.max(begin.getOrDefault(p, 0L), end - count)));
                List<ConsumerRecord<byte[], byte[]>> again = new ArrayList<>(read(consumer, from));
                if (shuffled) {
                    Collections.shuffle(again, new Random(random.nextLong()));
                }
                again.forEach(r ->
                        producer.send(new ProducerRecord<>(r.topic(), r.partition(), r.key(), r.value(), r.headers())));
            }
            producer.flush();
        }
    }

    /** Sends records that are no record of any version to each topic. */
    static void poison(Cluster cluster, RandomGenerator random) {
        try (var consumer = consumer(cluster);
                var producer = producer(cluster)) {
            for (String topic : topics(cluster)) {
                byte[] noise = new byte[random.nextInt(1, 200)];
                random.nextBytes(noise);
                for (TopicPartition p : partitions(consumer, topic)) {
                    byte[] key = ServiceSpecs.POOL.getBytes(java.nio.charset.StandardCharsets.UTF_8);
                    for (byte[] value : new byte[][] {noise, {}, null}) {
                        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, p.partition(), key, value);
                        record.headers().add(Letters.DAMAGED, new byte[0]);
                        producer.send(record);
                    }
                }
            }
            producer.flush();
        }
    }

    /**
     * A moment at which nothing was under way.
     *
     * @param ends of the partitions that the checker reads
     * @param jobs all that were submitted before: their records may come again in a fault, and are nothing new
     * @param letters the dead letters to come
     */
    record Mark(Map<TopicPartition, Long> ends, Set<String> jobs, Letters letters) {}

    /** Now. */
    static Mark mark(Cluster cluster) {
        try (var consumer = consumer(cluster)) {
            List<TopicPartition> all =
                    new ArrayList<>(partitions(consumer, cluster.topics().jobs()));
            all.addAll(partitions(consumer, cluster.topics().submissions()));
            Map<TopicPartition, Long> ends = Map.copyOf(consumer.endOffsets(all));
            Map<TopicPartition, Long> begin = new HashMap<>(consumer.beginningOffsets(all));
            begin.keySet().removeIf(p -> p.topic().equals(cluster.topics().jobs()));
            Map<String, Evidence.Submitted> before = new HashMap<>();
            for (ConsumerRecord<byte[], byte[]> r : read(consumer, begin)) {
                submitted(r.value(), before);
            }
            return new Mark(ends, Set.copyOf(before.keySet()), Letters.mark(cluster));
        }
    }

    /** What came to {@code jobs} and {@code submissions} since of new jobs, and can be read, in each partition's order. */
    static Since since(Cluster cluster, Mark from) {
        List<JobRecord> log = new ArrayList<>();
        Map<String, Evidence.Submitted> submitted = new LinkedHashMap<>();
        Map<Integer, Long> generations = new HashMap<>();
        try (var consumer = consumer(cluster)) {
            for (ConsumerRecord<byte[], byte[]> r : read(consumer, from.ends())) {
                if (r.topic().equals(cluster.topics().submissions())) {
                    submitted(r.value(), submitted);
                    continue;
                }
                try {
                    JobRecord record = Topics.JOB.decode(r.value());
                    if (counts(r.partition(), record, generations)) {
                        log.add(record);
                    }
                } catch (RuntimeException e) {
                    // Poison of the run's own making: whoever reads these topics has to live with it, as this does.
                    continue;
                }
            }
        }
        log.removeIf(r -> from.jobs().contains(job(r)));
        submitted.keySet().removeAll(from.jobs());
        return new Since(log, submitted);
    }

    /** By job submitted since, when its gateway sent it to the queue, in {@link System#nanoTime}'s terms: for clocks that are right. */
    static Map<String, Long> queued(Cluster cluster, Mark from) {
        long offset = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
        Map<String, Long> queued = new HashMap<>();
        try (var consumer = consumer(cluster)) {
            for (ConsumerRecord<byte[], byte[]> r : read(consumer, from.ends())) {
                Map<String, Evidence.Submitted> job = new HashMap<>();
                if (r.topic().equals(cluster.topics().submissions())) {
                    submitted(r.value(), job);
                }
                job.keySet()
                        .forEach(id -> queued.putIfAbsent(id, offset + TimeUnit.MILLISECONDS.toNanos(r.timestamp())));
            }
        }
        return queued;
    }

    /** Of each job submitted since, whether the next version's gateway submitted it. */
    static List<Boolean> ofNextVersion(Cluster cluster, Mark from) {
        try (var consumer = consumer(cluster)) {
            return read(consumer, from.ends()).stream()
                    .filter(r -> r.topic().equals(cluster.topics().submissions()))
                    .map(r -> Topics.SUBMISSION.decode(r.value()))
                    .filter(SubmissionRecord::hasSubmitted)
                    .map(NextVersion::wrote)
                    .toList();
        }
    }

    /**
     * Whether a record of {@code jobs} has an effect: a replaced scheduler's, behind its successor's first, has none.
     *
     * @param generations the greatest read so far, by partition
     */
    static boolean counts(int partition, JobRecord record, Map<Integer, Long> generations) {
        return record.getGeneration() >= generations.merge(partition, record.getGeneration(), Math::max);
    }

    private static String job(JobRecord record) {
        return switch (record.getBodyCase()) {
            case GRANTED -> record.getGranted().getJobId();
            case EXPIRED -> record.getExpired().getJobId();
            case FINISHED -> record.getFinished().getJobId();
            default -> "";
        };
    }

    /** The newest heartbeat of each worker, by its id. */
    static Map<String, WorkerHeartbeat> lastHeartbeats(Cluster cluster) {
        Map<String, WorkerHeartbeat> last = new LinkedHashMap<>();
        Set<String> boots = new HashSet<>();
        try (var consumer = consumer(cluster)) {
            List<TopicPartition> partitions =
                    partitions(consumer, cluster.topics().workers());
            Map<TopicPartition, Long> from = new HashMap<>();
            Map<TopicPartition, Long> begin = consumer.beginningOffsets(partitions);
            consumer.endOffsets(partitions)
                    .forEach((p, end) -> from.put(p, Math.max(begin.getOrDefault(p, 0L), end - HEARTBEATS)));
            for (ConsumerRecord<byte[], byte[]> r : read(consumer, from)) {
                try {
                    WorkerHeartbeat beat = Topics.WORKER.decode(r.value());
                    boolean newBoot = boots.add(beat.getBootId());
                    last.merge(beat.getWorkerId(), beat, (a, b) -> newBoot || follows(a, b) ? b : a);
                } catch (RuntimeException e) {
                    // Poison, as above.
                    continue;
                }
            }
        }
        return last;
    }

    /** By its own count, not by its clock, which may have been ahead; and the log may hold repeats. */
    static boolean follows(WorkerHeartbeat earlier, WorkerHeartbeat later) {
        return earlier.getBootId().equals(later.getBootId()) && later.getSequence() > earlier.getSequence();
    }

    private static void submitted(byte[] value, Map<String, Evidence.Submitted> into) {
        SubmissionRecord record;
        try {
            record = Topics.SUBMISSION.decode(value);
        } catch (RuntimeException e) {
            // Poison, as above.
            return;
        }
        if (record.hasSubmitted()) {
            var job = record.getSubmitted();
            into.putIfAbsent(
                    job.getJobId(),
                    new Evidence.Submitted(
                            job.getTenantId(),
                            job.getSampling().getStopList().stream()
                                    .filter(stop -> stop.startsWith(Question.KEY))
                                    .map(stop -> stop.substring(Question.KEY.length()))
                                    .findFirst()
                                    .orElse(null),
                            job.getPromptTokensCount(),
                            job.getSampling().getMaxTokens()));
        }
    }

    /**
     * What was read.
     *
     * @param log of jobs
     * @param submitted by job
     */
    record Since(List<JobRecord> log, Map<String, Evidence.Submitted> submitted) {}

    /** What stands in these partitions from an offset on until now, in each partition's order. */
    static List<ConsumerRecord<byte[], byte[]>> read(
            KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> from) {
        List<ConsumerRecord<byte[], byte[]>> all = new ArrayList<>();
        consumer.assign(from.keySet());
        from.forEach(consumer::seek);
        Map<TopicPartition, Long> end = consumer.endOffsets(from.keySet());
        while (end.entrySet().stream().anyMatch(e -> consumer.position(e.getKey()) < e.getValue())) {
            for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
                if (r.offset() < end.getOrDefault(new TopicPartition(r.topic(), r.partition()), 0L)) {
                    all.add(r);
                }
            }
        }
        return all;
    }

    /** The record that stands at a place, if one does. */
    static Optional<ConsumerRecord<byte[], byte[]>> at(
            KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long offset) {
        consumer.assign(List.of(partition));
        consumer.seek(partition, offset);
        long end = consumer.endOffsets(List.of(partition)).getOrDefault(partition, 0L);
        while (consumer.position(partition) < end) {
            var batch = consumer.poll(Duration.ofMillis(200));
            if (!batch.isEmpty()) {
                return Optional.of(batch.iterator().next()).filter(r -> r.offset() == offset);
            }
        }
        return Optional.empty();
    }

    static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
        return consumer.partitionsFor(topic).stream()
                .map(p -> new TopicPartition(topic, p.partition()))
                .toList();
    }

    static KafkaConsumer<byte[], byte[]> consumer(Cluster cluster) {
        return new KafkaConsumer<>(
                cluster.kafka().config(KafkaServer.ADMIN).consumer(),
                new ByteArrayDeserializer(),
                new ByteArrayDeserializer());
    }

    private static KafkaProducer<byte[], byte[]> producer(Cluster cluster) {
        return new KafkaProducer<>(
                cluster.kafka().config(KafkaServer.ADMIN).producer(),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }
}
