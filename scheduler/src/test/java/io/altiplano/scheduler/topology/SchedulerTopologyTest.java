package io.altiplano.scheduler.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.SetBack;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetter;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.DeadLetterRecord;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.ReplyAddress;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.Samples;
import io.altiplano.scheduler.core.Effect;
import io.altiplano.scheduler.core.SchedulerCore;
import io.altiplano.scheduler.core.Settings;
import io.altiplano.scheduler.queue.ClassShares;
import io.altiplano.scheduler.queue.FairQueue;
import io.altiplano.scheduler.queue.JobQueue;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shell alone: what goes in comes out in the right topic, under the right key, with state in the store. */
class SchedulerTopologyTest {
    private static final Topics TOPICS = new Topics("t-");
    private static final Instant START = Instant.ofEpochMilli(1_700_000_000_000L);

    @TempDir
    private Path dir;

    private final Seen seen = new Seen();
    private boolean curse = true;
    private TopologyTestDriver driver;
    private TestInputTopic<String, SubmissionRecord> submissions;
    private TestInputTopic<String, AttemptRecord> attempts;
    private TestInputTopic<String, WorkerHeartbeat> workers;
    private TestOutputTopic<String, JobRecord> jobs;
    private TestOutputTopic<String, WorkRecord> work;
    private TestOutputTopic<String, NoticeRecord> notices;

    /** Keeps what the shell tells. */
    static final class Seen implements Observer {
        final List<Effect.Happened> happened = new ArrayList<>();
        final List<String> skipped = new ArrayList<>();

        @Override
        public void happened(int partition, Effect.Happened h) {
            happened.add(h);
        }

        @Override
        public void skipped(String topic, int partition, long offset, String why) {
            skipped.add(topic + "-" + partition + "@" + offset + " " + why);
        }

        @Override
        public void numbers(int partition, Numbers numbers) {}

        @Override
        public void released(int partition) {}
    }

    @BeforeEach
    void start() {
        start(SchedulerTopology.build(
                TOPICS, Settings.of(5_000), seen, Duration.ofMillis(100), Duration.ofSeconds(60)));
    }

    private void start(Topology topology) {
        StreamsProperties properties = new StreamsProperties(
                TOPICS,
                new KafkaConfig("none:1", "PLAINTEXT", "PLAIN", "", ""),
                dir.toString(),
                0,
                1,
                1,
                "",
                Duration.ofSeconds(6));
        driver = new TopologyTestDriver(topology, properties.properties(), START);
        submissions =
                driver.createInputTopic(TOPICS.submissions(), new StringSerializer(), Topics.SUBMISSION.serializer());
        attempts = driver.createInputTopic(TOPICS.attempts(), new StringSerializer(), Topics.ATTEMPT.serializer());
        workers = driver.createInputTopic(TOPICS.workers(), new StringSerializer(), Topics.WORKER.serializer());
        jobs = driver.createOutputTopic(TOPICS.jobs(), new StringDeserializer(), Topics.JOB.deserializer());
        work = driver.createOutputTopic(
                TOPICS.work(Samples.POOL), new StringDeserializer(), Topics.WORK.deserializer());
        notices = driver.createOutputTopic(TOPICS.notices(), new StringDeserializer(), Topics.NOTICE.deserializer());
        driver.advanceWallClockTime(Duration.ofMillis(100));
    }

    @AfterEach
    void stop() {
        driver.close();
    }

    @Test
    void aJobGoesToAWorkerAndItsEndToTheJobsTopicAndTheGateway() {
        // given
        String id = Samples.jobId();
        workers.pipeInput(Samples.POOL, Samples.beat(0, "boot-a", 1).build());

        // when
        submissions.pipeInput(
                Samples.POOL,
                SubmissionRecord.newBuilder()
                        .setSubmitted(Samples.job(id)
                                .setReplyTo(ReplyAddress.newBuilder()
                                        .setPartition(0)
                                        .setNonce(99)))
                        .build());
        attempts.pipeInput(
                Samples.POOL,
                AttemptRecord.newBuilder()
                        .setEnded(Samples.ended(id, 1, 0, "boot-a", AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED))
                        .build());

        // then
        List<JobRecord> log = jobs.readValuesToList();
        assertThat(log)
                .extracting(JobRecord::getBodyCase)
                .containsExactly(JobRecord.BodyCase.BARRIER, JobRecord.BodyCase.GRANTED, JobRecord.BodyCase.FINISHED);
        assertThat(log.get(2).getFinished().getOutcome()).isEqualTo(JobOutcome.JOB_OUTCOME_SUCCEEDED);
        assertThat(log.get(2).getFinished().getUsage()).isEqualTo(Samples.usage(5, 7));
        WorkRecord grant = work.readValue();
        assertThat(grant.getBootId()).isEqualTo("boot-a");
        assertThat(grant.getGrant().getJobId()).isEqualTo(id);
        assertThat(grant.getGrant().getSubmission()).isEqualTo(Samples.at(0));
        NoticeRecord notice = notices.readValue();
        assertThat(notice.getNonce()).isEqualTo(99);
        assertThat(notice.getFinished()).isEqualTo(log.get(2).getFinished());
    }

    @Test
    void aRecordThatCannotBeReadOrIsOfNoKnownKindIsBuriedWithItsPlaceAndPassedOver() {
        // given
        TestInputTopic<byte[], byte[]> raw =
                driver.createInputTopic(TOPICS.submissions(), new ByteArraySerializer(), new ByteArraySerializer());
        String id = Samples.jobId();

        // when
        raw.pipeInput(new byte[] {'p'}, new byte[] {9, 1, 2, 3});
        raw.pipeInput(new byte[] {'p'}, new byte[] {});
        raw.pipeInput(new byte[] {'p'}, new byte[] {1});
        submissions.pipeInput(
                Samples.POOL,
                SubmissionRecord.newBuilder().setSubmitted(Samples.job(id)).build());

        // then
        assertThat(seen.skipped).hasSize(3);
        List<DeadLetter> letters = deadLetters();
        assertThat(letters)
                .extracting(DeadLetter::getReason)
                .containsExactly(
                        DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE,
                        DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE,
                        DeadLetterReason.DEAD_LETTER_REASON_UNKNOWN_KIND);
        assertThat(letters)
                .allMatch(l -> l.getReader().equals("scheduler") && l.getTopic().equals("t-submissions"));
        assertThat(letters).extracting(DeadLetter::getOffset).containsExactly(0L, 1L, 2L);
        assertThat(seen.skipped.getFirst()).startsWith("t-submissions-0@0").contains("codec version 9");
        assertThat(seen.happened)
                .anyMatch(h -> h.what() == Effect.What.JOB_QUEUED && h.jobId().equals(id));
    }

    private List<DeadLetter> deadLetters() {
        return driver
                .createOutputTopic(
                        TOPICS.deadLetters("scheduler"), new StringDeserializer(), Topics.DEAD_LETTER.deserializer())
                .readValuesToList()
                .stream()
                .map(DeadLetterRecord::getBuried)
                .toList();
    }

    @Test
    void itStepsDownOnceTheMachinesClockWasSetBackSinceKafkasClientsWouldWaitForAsLong() {
        // given
        driver.close();
        AtomicLong wallMillis = new AtomicLong(START.toEpochMilli());
        Settings settings = Settings.of(5_000);
        start(SchedulerTopology.build(
                TOPICS,
                () -> new SchedulerProcessor(
                        new Inputs(TOPICS),
                        settings,
                        incarnation -> new SchedulerCore(settings, incarnation),
                        seen,
                        Duration.ofMillis(100),
                        Duration.ofSeconds(60),
                        new SetBack(wallMillis::get, () -> 0))));
        submit(Samples.job(Samples.jobId()));
        wallMillis.addAndGet(600_000);
        submit(Samples.job(Samples.jobId()));

        // when
        wallMillis.addAndGet(-600_000);

        // then
        assertThatThrownBy(() -> submit(Samples.job(Samples.jobId())))
                .hasStackTraceContaining("the machine's clock was set back by PT10M");
    }

    @Test
    void aRecordWhoseHandlingFailsIsBuriedAndACoreThatKnowsAllThatWasStoredGoesOn() {
        // given: a core that fails on a job of project "cursed", after it has changed what it knows
        driver.close();
        Inputs inputs = new Inputs(TOPICS);
        Settings settings = Settings.of(5_000);
        start(SchedulerTopology.build(
                TOPICS,
                () -> new SchedulerProcessor(
                        inputs,
                        settings,
                        incarnation -> new SchedulerCore(settings, incarnation, this::cursed),
                        seen,
                        Duration.ofMillis(100),
                        Duration.ofSeconds(60),
                        new SetBack())));
        String before = Samples.jobId();
        String after = Samples.jobId();
        submit(Samples.job(before));

        // when
        String poison = Samples.jobId();
        JobSubmitted.Builder cursed = Samples.job(poison).setProjectId("cursed");
        submit(cursed);
        submit(Samples.job(after));
        workers.pipeInput(Samples.POOL, Samples.beat(0, "boot-a", 1).build());

        // then: the other two are granted, in their order
        assertThat(deadLetters())
                .singleElement()
                .satisfies(l -> assertThat(l.getReason()).isEqualTo(DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED))
                .satisfies(l -> assertThat(l.getOffset()).isEqualTo(1));
        assertThat(work.readValuesToList())
                .extracting(w -> w.getGrant().getJobId())
                .containsExactly(before, after);

        // when: the core is repaired, and an operator appends the record again
        curse = false;
        attempts.pipeInput(
                Samples.POOL,
                AttemptRecord.newBuilder()
                        .setEnded(Samples.ended(before, 1, 0, "boot-a", AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED))
                        .build());
        submit(cursed);

        // then
        assertThat(work.readValuesToList())
                .extracting(w -> w.getGrant().getJobId())
                .containsExactly(poison);
        assertThat(deadLetters()).isEmpty();
    }

    private void submit(JobSubmitted.Builder job) {
        submissions.pipeInput(
                Samples.POOL, SubmissionRecord.newBuilder().setSubmitted(job).build());
    }

    /** A queue that breaks on one project. */
    private JobQueue cursed(String pool) {
        FairQueue queue = new FairQueue(pool, ClassShares.DEFAULT);
        return (JobQueue) Proxy.newProxyInstance(
                JobQueue.class.getClassLoader(), new Class<?>[] {JobQueue.class}, (proxy, method, arguments) -> {
                    if (curse
                            && method.getName().equals("add")
                            && arguments[0] instanceof JobQueue.Entry e
                            && e.project().equals("cursed")) {
                        throw new IllegalStateException("cursed");
                    }
                    return method.invoke(queue, arguments);
                });
    }

    @Test
    void aWordToAPartitionThatIsNotThereIsDroppedAndTheJobStillFinishes() {
        // given
        String id = Samples.jobId();
        ReplyAddress nowhere = ReplyAddress.newBuilder().setPartition(7).build();

        // when
        submissions.pipeInput(
                Samples.POOL,
                SubmissionRecord.newBuilder()
                        .setSubmitted(Samples.job(id).clearPromptTokens().setReplyTo(nowhere))
                        .build());

        // then
        assertThat(jobs.readValuesToList().getLast().getFinished().getErrorCode())
                .isEqualTo("invalid_submission");
        assertThat(notices.isEmpty()).isTrue();
    }

    @Test
    void whatIsKnownOfAJobIsInTheStore() {
        // when
        String id = Samples.jobId();
        submissions.pipeInput(
                Samples.POOL,
                SubmissionRecord.newBuilder().setSubmitted(Samples.job(id)).build());
        driver.advanceWallClockTime(Duration.ofSeconds(1));

        // then
        var store = driver.<String, StoredEntry>getKeyValueStore(SchedulerTopology.STORE);
        var entry = store.get("j/" + id);
        assertThat(entry.getJob().getSubmission().getPromptTokensCount()).isZero();
        assertThat(entry.getJob().getPromptTokens()).isEqualTo(5);
        assertThat(store.get(Positions.KEY).getPositions().getOffsetsMap()).containsEntry(TOPICS.submissions(), 0L);
    }
}
