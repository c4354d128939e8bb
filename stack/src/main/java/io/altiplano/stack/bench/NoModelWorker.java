package io.altiplano.stack.bench;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptEnded;
import io.altiplano.contracts.v1.AttemptOutcome;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.AttemptStarted;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.RunningAttempt;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.contracts.v1.WorkRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A worker that speaks the whole job protocol and has no model: each step every running job is given one more token, whose
 * text is the time at which it was made. What a client waits beyond that is what the platform adds.
 *
 * <p>It is part of the benchmarks alone. The product's worker has no such mode, so none can be configured by mistake.
 */
final class NoModelWorker implements AutoCloseable {
    private static final Duration BEAT = Duration.ofMillis(500);
    private static final int KNOWN_SUBMISSIONS = 8_192;
    private static final int CAPACITY = 2_048;
    private static final int ANY_TOKEN = 100;

    private final Topics topics;
    private final String pool;
    private final String model;
    private final String bootId = UUID.randomUUID().toString();
    private final Map<String, Sequence> running = new ConcurrentHashMap<>();
    private final Map<LogPointer, JobSubmitted> submissions = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<LogPointer, JobSubmitted> eldest) {
            return size() > KNOWN_SUBMISSIONS;
        }
    };
    private final Map<LogPointer, Grant> early = new HashMap<>();
    private final KafkaProducer<String, byte[]> producer;
    private final KafkaConsumer<String, byte[]> consumer;
    private final List<Thread> threads = new ArrayList<>();
    private volatile Duration step;
    private volatile boolean closed;

    /** A job that runs. */
    private static final class Sequence {
        private final JobSubmitted job;
        private final int epoch;
        private int tokens;
        private int textLength;

        Sequence(JobSubmitted job, int epoch) {
            this.job = job;
            this.epoch = epoch;
        }
    }

    /**
     * Starts it as the pool's worker of ordinal 0.
     *
     * @param model the one model it says it serves
     * @param step from token to token; zero: streams are given their tokens as fast as steps follow each other
     */
    NoModelWorker(KafkaConfig kafka, Topics topics, String pool, String model, Duration step) {
        this.topics = topics;
        this.pool = pool;
        this.model = model;
        this.step = step;
        Map<String, Object> properties = new HashMap<>(kafka.producer());
        this.producer = new KafkaProducer<>(properties, new StringSerializer(), new ByteArraySerializer());
        this.consumer = new KafkaConsumer<>(kafka.consumer(), new StringDeserializer(), new ByteArrayDeserializer());
        List<TopicPartition> read = new ArrayList<>();
        consumer.partitionsFor(topics.submissions())
                .forEach(p -> read.add(new TopicPartition(p.topic(), p.partition())));
        read.add(new TopicPartition(topics.work(pool), 0));
        consumer.assign(read);
        consumer.seekToEnd(read);
        read.forEach(consumer::position);
        threads.add(Thread.ofPlatform().name("no-model-poll").daemon(true).start(this::poll));
        threads.add(Thread.ofPlatform().name("no-model-step").daemon(true).start(this::steps));
        threads.add(Thread.ofPlatform().name("no-model-beat").daemon(true).start(this::beats));
    }

    /** From token to token, from now on. */
    void step(Duration wanted) {
        step = wanted;
    }

    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
        consumer.close();
        producer.close(Duration.ofSeconds(2));
    }

    private void poll() {
        String work = topics.work(pool);
        while (!closed) {
            for (ConsumerRecord<String, byte[]> r : consumer.poll(Duration.ofMillis(100))) {
                if (r.topic().equals(work)) {
                    work(Topics.WORK.decode(r.value()));
                } else {
                    submission(
                            LogPointer.newBuilder()
                                    .setPartition(r.partition())
                                    .setOffset(r.offset())
                                    .build(),
                            Topics.SUBMISSION.decode(r.value()));
                }
            }
        }
    }

    private void submission(LogPointer at, SubmissionRecord record) {
        if (record.hasSubmitted()) {
            submissions.put(at, record.getSubmitted());
            Grant grant = early.remove(at);
            if (grant != null) {
                begin(grant, record.getSubmitted());
            }
        }
    }

    private void work(WorkRecord record) {
        if (record.hasGrant() && record.getBootId().equals(bootId)) {
            Grant grant = record.getGrant();
            JobSubmitted job = submissions.remove(grant.getSubmission());
            if (job == null) {
                early.put(grant.getSubmission(), grant);
            } else {
                begin(grant, job);
            }
        } else if (record.hasCancel()) {
            Sequence sequence = running.remove(record.getCancel().getJobId());
            if (sequence != null) {
                end(sequence, AttemptOutcome.ATTEMPT_OUTCOME_CANCELLED, "");
            }
        }
    }

    private void begin(Grant grant, JobSubmitted job) {
        Sequence sequence = new Sequence(job, grant.getEpoch());
        attempt(AttemptRecord.newBuilder()
                .setStarted(AttemptStarted.newBuilder()
                        .setJobId(job.getJobId())
                        .setEpoch(grant.getEpoch())
                        .setWorkerId(pool + "-0")
                        .setBootId(bootId)
                        .setAtMs(System.currentTimeMillis()))
                .build());
        if (job.getStream()) {
            // The first token at once: a first step that a real engine takes as soon as it can.
            reply(List.of(delta(sequence, 1)), job.getReplyTo().getPartition());
            if (!finished(sequence)) {
                running.put(job.getJobId(), sequence);
            }
        } else {
            reply(
                    List.of(delta(sequence, job.getSampling().getMaxTokens())),
                    job.getReplyTo().getPartition());
            finished(sequence);
        }
    }

    private boolean finished(Sequence sequence) {
        if (sequence.tokens < sequence.job.getSampling().getMaxTokens()) {
            return false;
        }
        end(sequence, AttemptOutcome.ATTEMPT_OUTCOME_COMPLETED, "length");
        return true;
    }

    /** One token for each running job, in one record for each gateway, as the real engine's steps do. */
    private void steps() {
        long next = System.nanoTime();
        while (!closed) {
            next += Math.max(1_000_000, step.toNanos());
            long wait = next - System.nanoTime();
            if (wait > 0) {
                LockSupport.parkNanos(wait);
            } else {
                next = System.nanoTime();
            }
            Map<Integer, List<ReplyDelta>> deltas = new HashMap<>();
            List<Sequence> over = new ArrayList<>();
            for (Sequence sequence : running.values()) {
                deltas.computeIfAbsent(sequence.job.getReplyTo().getPartition(), p -> new ArrayList<>())
                        .add(delta(sequence, 1));
                if (sequence.tokens >= sequence.job.getSampling().getMaxTokens()) {
                    over.add(sequence);
                }
            }
            deltas.forEach((partition, all) -> reply(all, partition));
            for (Sequence sequence : over) {
                running.remove(sequence.job.getJobId());
                finished(sequence);
            }
        }
    }

    private ReplyDelta delta(Sequence sequence, int count) {
        String text = System.nanoTime() + " ";
        ReplyDelta.Builder delta = ReplyDelta.newBuilder()
                .setJobId(sequence.job.getJobId())
                .setEpoch(sequence.epoch)
                .setNonce(sequence.job.getReplyTo().getNonce())
                .setIndex(sequence.tokens)
                .setText(text)
                .setTextOffset(sequence.textLength);
        for (int i = 0; i < count; i++) {
            delta.addTokens(TokenOut.newBuilder().setId(ANY_TOKEN));
        }
        sequence.tokens += count;
        sequence.textLength += text.length();
        if (sequence.tokens >= sequence.job.getSampling().getMaxTokens()) {
            delta.setLast(true).setFinishReason("length").setUsage(usage(sequence));
        }
        return delta.build();
    }

    private static Usage usage(Sequence sequence) {
        return Usage.newBuilder()
                .setPromptTokens(sequence.job.getPromptTokensCount())
                .setCompletionTokens(sequence.tokens)
                .build();
    }

    private void end(Sequence sequence, AttemptOutcome outcome, String reason) {
        attempt(AttemptRecord.newBuilder()
                .setEnded(AttemptEnded.newBuilder()
                        .setJobId(sequence.job.getJobId())
                        .setEpoch(sequence.epoch)
                        .setWorkerId(pool + "-0")
                        .setBootId(bootId)
                        .setOutcome(outcome)
                        .setUsage(usage(sequence))
                        .setFinishReason(reason)
                        .setAtMs(System.currentTimeMillis()))
                .build());
    }

    private void reply(List<ReplyDelta> deltas, int partition) {
        byte[] record = Topics.REPLY.encode(
                ReplyRecord.newBuilder().addAllDeltas(deltas).build());
        var _ = producer.send(new ProducerRecord<>(topics.replies(), partition, null, record));
    }

    private void attempt(AttemptRecord record) {
        var _ = producer.send(new ProducerRecord<>(topics.attempts(), pool, Topics.ATTEMPT.encode(record)));
    }

    private void beats() {
        for (long sequence = 1; !closed; sequence++) {
            WorkerHeartbeat.Builder beat = WorkerHeartbeat.newBuilder()
                    .setWorkerId(pool + "-0")
                    .setPool(pool)
                    .setBootId(bootId)
                    .setSequence(sequence)
                    .setCapacity(CAPACITY)
                    .setFreeKvBlocks(1 << 20)
                    .setTotalKvBlocks(1 << 20)
                    .addModels(model)
                    .setAtMs(System.currentTimeMillis());
            running.values()
                    .forEach(s -> beat.addRunning(RunningAttempt.newBuilder()
                            .setJobId(s.job.getJobId())
                            .setEpoch(s.epoch)
                            .setGeneratedTokens(s.tokens)));
            var _ = producer.send(new ProducerRecord<>(topics.workers(), pool, Topics.WORKER.encode(beat.build())));
            LockSupport.parkNanos(BEAT.toNanos());
        }
    }
}
