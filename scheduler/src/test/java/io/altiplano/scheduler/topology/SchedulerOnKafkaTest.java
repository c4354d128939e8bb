package io.altiplano.scheduler.topology;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Message;
import io.altiplano.contracts.Codec;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Infra;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.TestTopics;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shell on a real broker, as its own principal: decisions come back fast, and a restart goes on where it was. */
class SchedulerOnKafkaTest {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final Infra infra = Infra.require();
    private final Topics topics = new Topics("t" + UUID.randomUUID().toString().substring(0, 8) + "-");

    @TempDir
    private Path dir;

    private TestTopics created;
    private KafkaProducer<String, byte[]> gateway;
    private KafkaProducer<String, byte[]> worker;
    private Tail<JobRecord> jobs;
    private Tail<WorkRecord> work;
    private Tail<NoticeRecord> notices;
    private KafkaStreams scheduler;

    /** Reads one topic from its beginning, all partitions. */
    private final class Tail<M extends Message> implements AutoCloseable {
        private final KafkaConsumer<String, byte[]> consumer;
        private final Codec<M> codec;
        private final List<M> seen = new ArrayList<>();

        Tail(String topic, int partitions, Codec<M> codec) {
            this.codec = codec;
            consumer = new KafkaConsumer<>(
                    infra.kafka("admin").consumer(), new StringDeserializer(), new ByteArrayDeserializer());
            List<TopicPartition> all = IntStream.range(0, partitions)
                    .mapToObj(p -> new TopicPartition(topic, p))
                    .toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
        }

        M await(Predicate<M> wanted) {
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (true) {
                Optional<M> found = seen.stream().filter(wanted).findFirst();
                if (found.isPresent()) {
                    return found.get();
                }
                assertThat(System.nanoTime()).as("saw only %s", seen).isLessThan(deadline);
                consumer.poll(Duration.ofMillis(50)).forEach(r -> seen.add(codec.decode(r.value())));
            }
        }

        @Override
        public void close() {
            consumer.close();
        }
    }

    @BeforeEach
    void start() throws ExecutionException, InterruptedException {
        created = new TestTopics(infra.kafka("admin"), topics);
        gateway = new KafkaProducer<>(
                infra.kafka("gateway").producer(), new StringSerializer(), new ByteArraySerializer());
        worker = new KafkaProducer<>(
                infra.kafka("worker").producer(), new StringSerializer(), new ByteArraySerializer());
        jobs = new Tail<>(topics.jobs(), 4, Topics.JOB);
        work = new Tail<>(topics.work(Samples.POOL), 16, Topics.WORK);
        notices = new Tail<>(topics.notices(), 16, Topics.NOTICE);
        scheduler = scheduler();
    }

    @AfterEach
    void stop() throws ExecutionException, InterruptedException {
        scheduler.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(PATIENCE));
        jobs.close();
        work.close();
        notices.close();
        gateway.close();
        worker.close();
        created.close();
    }

    private KafkaStreams scheduler() {
        Observer silent = new Observer() {
            @Override
            public void happened(int partition, Effect.Happened happened) {}

            @Override
            public void skipped(String topic, int partition, long offset, String why) {}

            @Override
            public void numbers(int partition, Numbers numbers) {}

            @Override
            public void released(int partition) {}
        };
        Duration session = Duration.ofSeconds(6);
        StreamsProperties properties = new StreamsProperties(
                topics,
                infra.kafka("scheduler"),
                dir.resolve(UUID.randomUUID().toString()).toString(),
                0,
                1,
                -1,
                "",
                session);
        KafkaStreams streams = new KafkaStreams(
                SchedulerTopology.build(topics, Settings.of(3_000), silent, Duration.ofMillis(100), session),
                properties.properties());
        streams.start();
        return streams;
    }

    private void submit(SubmissionRecord record) {
        gateway.send(new ProducerRecord<>(topics.submissions(), Samples.POOL, Topics.SUBMISSION.encode(record)));
    }

    private void beat(WorkerHeartbeat.Builder beat) {
        worker.send(new ProducerRecord<>(topics.workers(), Samples.POOL, Topics.WORKER.encode(beat.build())));
    }

    private void end(String id, int epoch, String boot) {
        AttemptRecord ended = AttemptRecord.newBuilder()
                .setEnded(Samples.ended(id, epoch, 0, boot, AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED))
                .build();
        worker.send(new ProducerRecord<>(topics.attempts(), Samples.POOL, Topics.ATTEMPT.encode(ended)));
    }

    private static Predicate<WorkRecord> grant(String id, int epoch) {
        return w -> w.getGrant().getJobId().equals(id) && w.getGrant().getEpoch() == epoch;
    }

    private static Predicate<JobRecord> finished(String id) {
        return j -> j.getFinished().getJobId().equals(id);
    }

    @Test
    void aRestartedSchedulerGoesOnWithTheLeasesItHadAndRetriesWhatItsWorkerLost() {
        // given: two leased jobs
        String one = Samples.jobId();
        String two = Samples.jobId();
        beat(Samples.beat(0, "boot-a", 1));
        submit(SubmissionRecord.newBuilder().setSubmitted(Samples.job(one)).build());
        submit(SubmissionRecord.newBuilder().setSubmitted(Samples.job(two)).build());
        work.await(grant(one, 1));
        work.await(grant(two, 1));

        // when: the scheduler restarts; the first job ends; then the worker comes back as another boot
        scheduler.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(PATIENCE));
        scheduler = scheduler();
        end(one, 1, "boot-a");
        jobs.await(finished(one));
        beat(Samples.beat(0, "boot-b", 1));
        notices.await(
                n -> n.getRetrying().getJobId().equals(two) && n.getRetrying().getEpoch() == 2);
        submit(SubmissionRecord.newBuilder()
                .setRelayed(JobRelayed.newBuilder().setJobId(two).setEpoch(2).addRelayedTokens(11))
                .build());

        // then: the second job goes to the new boot, from where the gateway is
        beat(Samples.beat(0, "boot-b", 2));
        WorkRecord again = work.await(grant(two, 2));
        assertThat(again.getBootId()).isEqualTo("boot-b");
        assertThat(again.getGrant().hasRelayed()).isTrue();
        end(two, 2, "boot-b");
        assertThat(jobs.await(finished(two)).getFinished().getAttempts()).isEqualTo(2);
        notices.await(n -> n.getFinished().getJobId().equals(two));
        assertThat(jobs.seen).filteredOn(finished(one)).hasSize(1);
    }

    @Test
    void aGrantIsWithTheWorkerMillisecondsAfterTheSubmission() {
        // given: a worker, and everything warm
        beat(Samples.beat(0, "boot-a", 1)
                .setCapacity(1_000)
                .setTotalKvBlocks(100_000)
                .setFreeKvBlocks(100_000));
        for (int i = 0; i < 20; i++) {
            roundTripMicros(i);
        }

        // when
        long[] micros = new long[50];
        for (int i = 0; i < micros.length; i++) {
            micros[i] = roundTripMicros(20 + i);
        }

        // then: three hops, none of which waits for a timer (a producer's linger of 100 ms, a commit each second); the
        // best
        // of many tells that on a busy machine too
        Arrays.sort(micros);
        System.out.printf(
                "submission to grant: median %d us, p90 %d us%n",
                micros[micros.length / 2], micros[micros.length * 9 / 10]);
        assertThat(micros[0]).isLessThan(100_000);
    }

    private long roundTripMicros(int i) {
        beat(Samples.beat(0, "boot-a", 2 + i)
                .setCapacity(1_000)
                .setTotalKvBlocks(100_000)
                .setFreeKvBlocks(100_000));
        String id = Samples.jobId();
        long begin = System.nanoTime();
        submit(SubmissionRecord.newBuilder().setSubmitted(Samples.job(id)).build());
        work.await(grant(id, 1));
        return (System.nanoTime() - begin) / 1_000;
    }
}
