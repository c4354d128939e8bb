package io.altiplano.scheduler.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Infra;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.TestTopics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two schedulers on a real broker under steady load: the one that schedules is killed, the other goes on within 10 s. */
class FailoverTest {
    private static final Duration BOUND = Duration.ofSeconds(10);
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    private final Infra infra = Infra.require();
    private final Topics topics = new Topics("t" + UUID.randomUUID().toString().substring(0, 8) + "-");
    private final Map<String, Long> submittedAt = new ConcurrentHashMap<>();
    private final Map<String, Long> grantedAt = new ConcurrentHashMap<>();
    private volatile boolean loaded = true;

    @TempDir
    private Path dir;

    /** A scheduler's process and what it said. */
    private final class Scheduler implements AutoCloseable {
        private final Process process;
        private final Path errors;
        private final Set<String> granted = ConcurrentHashMap.newKeySet();
        private volatile boolean running;

        Scheduler(String name) throws IOException {
            List<String> command = List.of(
                    ProcessHandle.current().info().command().orElseThrow(),
                    "-Xmx256m",
                    "-XX:TieredStopAtLevel=1",
                    "-XX:+UseSerialGC",
                    "-Daltiplano.infra=" + System.getProperty("altiplano.infra", ".altiplano/infra/infra.properties"),
                    "-cp",
                    System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                    Replica.class.getName(),
                    topics.prefix(),
                    dir.resolve(name).toString());
            errors = dir.resolve(name + ".err");
            process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
            Thread.ofVirtual().start(this::listen);
        }

        /** Fails with what it said if it has ended. */
        boolean runs() {
            assertThat(process.isAlive()).as(this::said).isTrue();
            return running;
        }

        private String said() {
            try {
                return Files.readString(errors);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        private void listen() {
            try (BufferedReader out = process.inputReader()) {
                for (String line = out.readLine(); line != null; line = out.readLine()) {
                    running |= line.equals("running");
                    if (line.startsWith("granted ")) {
                        granted.add(line.substring("granted ".length()));
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().join();
        }
    }

    @Test
    void schedulingGoesOnWithinTenSecondsOfTheKillingOfTheOneThatDidIt() throws Exception {
        try (TestTopics created = new TestTopics(infra.kafka("admin"), topics);
                Scheduler one = new Scheduler("one");
                Scheduler two = new Scheduler("two")) {
            // given: two schedulers, each with its share, and steady load on one pool
            assertThat(created).isNotNull();
            await("both run", () -> one.runs() && two.runs());
            Thread work = Thread.ofPlatform().start(this::work);
            Thread load = Thread.ofPlatform().start(this::load);
            await("some are granted", () -> grantedAt.size() > 40);
            Scheduler owner = one.granted.isEmpty() ? two : one;
            Scheduler other = owner == one ? two : one;
            assertThat(other.granted).isEmpty();

            // when: SIGKILL
            owner.process.destroyForcibly();
            long killed = System.nanoTime();

            // then
            await("a job of after the kill is granted", () -> firstGrantOfAJobAfter(killed) != Long.MAX_VALUE);
            Duration pause = Duration.ofNanos(firstGrantOfAJobAfter(killed) - killed);
            System.out.printf("scheduler killed: the next job was granted after %d ms%n", pause.toMillis());
            assertThat(pause).isLessThan(BOUND);
            assertThat(other.granted).isNotEmpty();

            // and: what was submitted is over, each job once, with all that came while nobody scheduled
            loaded = false;
            load.join();
            Map<String, List<JobOutcome>> ends = ends(submittedAt.keySet());
            assertThat(ends.values()).allMatch(outcomes -> outcomes.equals(List.of(JobOutcome.JOB_OUTCOME_SUCCEEDED)));
            work.interrupt();
            work.join();
        }
    }

    private long firstGrantOfAJobAfter(long nanos) {
        return grantedAt.entrySet().stream()
                .filter(e -> submittedAt.getOrDefault(e.getKey(), 0L) > nanos)
                .mapToLong(Map.Entry::getValue)
                .min()
                .orElse(Long.MAX_VALUE);
    }

    private void load() {
        try (KafkaProducer<String, byte[]> gateway = producer("gateway")) {
            while (loaded) {
                String id = Samples.jobId();
                submittedAt.put(id, System.nanoTime());
                SubmissionRecord record = SubmissionRecord.newBuilder()
                        .setSubmitted(Samples.job(id))
                        .build();
                gateway.send(
                        new ProducerRecord<>(topics.submissions(), Samples.POOL, Topics.SUBMISSION.encode(record)));
                LockSupport.parkNanos(Duration.ofMillis(40).toNanos());
            }
        }
    }

    /** A worker with room for everything, which ends each attempt as soon as it is granted. */
    private void work() {
        TopicPartition mine = new TopicPartition(topics.work(Samples.POOL), 0);
        try (KafkaProducer<String, byte[]> worker = producer("worker");
                KafkaConsumer<String, byte[]> grants = new KafkaConsumer<>(
                        infra.kafka("worker").consumer(), new StringDeserializer(), new ByteArrayDeserializer())) {
            grants.assign(List.of(mine));
            grants.seekToBeginning(List.of(mine));
            long sequence = 0;
            long beatAt = System.nanoTime();
            while (!Thread.currentThread().isInterrupted()) {
                if (System.nanoTime() - beatAt >= 0) {
                    beatAt = System.nanoTime() + Duration.ofMillis(200).toNanos();
                    WorkerHeartbeat beat = Samples.beat(0, "boot-a", ++sequence)
                            .setCapacity(1_000)
                            .setTotalKvBlocks(100_000)
                            .setFreeKvBlocks(100_000)
                            .build();
                    worker.send(new ProducerRecord<>(topics.workers(), Samples.POOL, Topics.WORKER.encode(beat)));
                }
                for (ConsumerRecord<String, byte[]> found : grants.poll(Duration.ofMillis(20))) {
                    Grant grant = Topics.WORK.decode(found.value()).getGrant();
                    if (grantedAt.putIfAbsent(grant.getJobId(), System.nanoTime()) == null) {
                        AttemptRecord ended = AttemptRecord.newBuilder()
                                .setEnded(Samples.ended(
                                        grant.getJobId(),
                                        grant.getEpoch(),
                                        0,
                                        "boot-a",
                                        AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED))
                                .build();
                        worker.send(
                                new ProducerRecord<>(topics.attempts(), Samples.POOL, Topics.ATTEMPT.encode(ended)));
                    }
                }
            }
        } catch (org.apache.kafka.common.errors.InterruptException e) {
            // The test is over.
            return;
        }
    }

    private Map<String, List<JobOutcome>> ends(Set<String> jobs) {
        Map<String, List<JobOutcome>> ends = new ConcurrentHashMap<>();
        List<TopicPartition> all = IntStream.range(0, 4)
                .mapToObj(p -> new TopicPartition(topics.jobs(), p))
                .toList();
        try (KafkaConsumer<String, byte[]> log = new KafkaConsumer<>(
                infra.kafka("admin").consumer(), new StringDeserializer(), new ByteArrayDeserializer())) {
            log.assign(all);
            log.seekToBeginning(all);
            await("every job's end", () -> {
                for (ConsumerRecord<String, byte[]> found : log.poll(Duration.ofMillis(50))) {
                    JobRecord record = Topics.JOB.decode(found.value());
                    if (record.hasFinished()) {
                        ends.computeIfAbsent(record.getFinished().getJobId(), id -> new ArrayList<>())
                                .add(record.getFinished().getOutcome());
                    }
                }
                return ends.keySet().containsAll(jobs);
            });
        }
        return ends.entrySet().stream()
                .filter(e -> jobs.contains(e.getKey()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private KafkaProducer<String, byte[]> producer(String principal) {
        return new KafkaProducer<>(
                infra.kafka(principal).producer(), new StringSerializer(), new ByteArraySerializer());
    }

    private static void await(String what, BooleanSupplier holds) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
        }
    }
}
