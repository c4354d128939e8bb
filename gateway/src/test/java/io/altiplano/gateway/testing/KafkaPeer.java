package io.altiplano.gateway.testing;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.GatewayLost;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.contracts.v1.ReplyRecord;
import io.altiplano.contracts.v1.Retrying;
import io.altiplano.contracts.v1.RightWithdrawn;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Stands at the other end of the real topics in place of scheduler and worker, so that a test can say what they say when:
 * a lost attempt, a failure, a late delta. It sees all submissions from its start on.
 */
public final class KafkaPeer implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Topics topics = GatewayTestResource.get().topics();
    private final KafkaProducer<byte[], byte[]> replies = producer("worker");
    private final KafkaProducer<byte[], byte[]> notices = producer("scheduler");
    private final Thread reader;
    private final int partitions;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition came = lock.newCondition();
    private final List<SubmissionRecord> seen = new ArrayList<>();
    private final List<WithdrawnAt> withdrawn = new ArrayList<>();
    private volatile boolean open = true;

    /** A withdrawal as it was read. */
    public record WithdrawnAt(int partition, RightWithdrawn right) {}

    /** Listens from now on. */
    public KafkaPeer() {
        Deserializer<SubmissionRecord> values = Topics.SUBMISSION.deserializer();
        Map<String, Object> config = GatewayTestResource.get().kafka("worker").consumer();
        KafkaConsumer<String, SubmissionRecord> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), values);
        List<TopicPartition> all = consumer.partitionsFor(topics.submissions()).stream()
                .map(p -> new TopicPartition(p.topic(), p.partition()))
                .toList();
        partitions = all.size();
        consumer.assign(all);
        consumer.seekToEnd(all);
        all.forEach(consumer::position);
        reader = Thread.ofVirtual().start(() -> read(consumer));
    }

    private static KafkaProducer<byte[], byte[]> producer(String principal) {
        return new KafkaProducer<>(
                GatewayTestResource.get().kafka(principal).producer(),
                new ByteArraySerializer(),
                new ByteArraySerializer());
    }

    private void read(KafkaConsumer<String, SubmissionRecord> consumer) {
        try (consumer) {
            while (open) {
                for (ConsumerRecord<String, SubmissionRecord> record : consumer.poll(Duration.ofMillis(100))) {
                    lock.lock();
                    try {
                        if (record.value().hasWithdrawn()) {
                            withdrawn.add(new WithdrawnAt(
                                    record.partition(), record.value().getWithdrawn()));
                        }
                        seen.add(record.value());
                        came.signalAll();
                    } finally {
                        lock.unlock();
                    }
                }
            }
        }
    }

    /** The next job of a tenant that was not handed out before. */
    public JobSubmitted awaitJob(String tenant) {
        return await(
                "a job of " + tenant,
                r -> r.hasSubmitted() && r.getSubmitted().getTenantId().equals(tenant)
                        ? Optional.of(r.getSubmitted())
                        : Optional.empty());
    }

    /** All jobs of a tenant that were not handed out before; waits a while for the first. */
    public List<JobSubmitted> pollJobs(String tenant, Duration patience) {
        lock.lock();
        try {
            List<JobSubmitted> found = takeJobs(tenant);
            if (found.isEmpty() && came.awaitNanos(patience.toNanos()) > 0) {
                found = takeJobs(tenant);
            }
            return found;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } finally {
            lock.unlock();
        }
    }

    private List<JobSubmitted> takeJobs(String tenant) {
        List<SubmissionRecord> records = seen.stream()
                .filter(r -> r.getSubmitted().getTenantId().equals(tenant))
                .toList();
        seen.removeAll(records);
        return records.stream().map(SubmissionRecord::getSubmitted).toList();
    }

    /** The cancellation of a job. */
    public JobCancelled awaitCancelled(JobSubmitted job) {
        return await(
                "the cancellation of " + job.getJobId(),
                r -> r.hasCancelled() && r.getCancelled().getJobId().equals(job.getJobId())
                        ? Optional.of(r.getCancelled())
                        : Optional.empty());
    }

    /** The answer to a Retrying notice. */
    public JobRelayed awaitRelayed(JobSubmitted job) {
        return await(
                "the relay of " + job.getJobId(),
                r -> r.hasRelayed() && r.getRelayed().getJobId().equals(job.getJobId())
                        ? Optional.of(r.getRelayed())
                        : Optional.empty());
    }

    /** The withdrawals of a tenant's rights from an epoch on, once every partition has one. */
    public List<RightWithdrawn> awaitWithdrawn(String tenant, long fromEpoch) {
        return awaitAny("the withdrawal of a right of " + tenant + " on every partition", () -> {
            List<WithdrawnAt> of = withdrawn.stream()
                    .filter(w ->
                            w.right().getTenantId().equals(tenant) && w.right().getLicenceEpoch() >= fromEpoch)
                    .toList();
            return of.stream().map(WithdrawnAt::partition).distinct().count() == partitions
                    ? Optional.of(of.stream().map(WithdrawnAt::right).toList())
                    : Optional.empty();
        });
    }

    /** The word of a gateway's end. */
    public GatewayLost awaitGatewayLost(UUID gateway) {
        return await(
                "the word of the end of gateway " + gateway,
                r -> r.hasGatewayLost() && r.getGatewayLost().getGateway().equals(gateway.toString())
                        ? Optional.of(r.getGatewayLost())
                        : Optional.empty());
    }

    /** Whether any right of a tenant was withdrawn so far. */
    public boolean sawWithdrawnOf(String tenant) {
        lock.lock();
        try {
            return withdrawn.stream().anyMatch(w -> w.right().getTenantId().equals(tenant));
        } finally {
            lock.unlock();
        }
    }

    /** How many records came for a tenant or a job, of any kind. */
    public long countOfTenant(String tenant) {
        lock.lock();
        try {
            return seen.stream()
                    .filter(r -> r.getSubmitted().getTenantId().equals(tenant))
                    .count();
        } finally {
            lock.unlock();
        }
    }

    private <T> T await(String what, Function<SubmissionRecord, Optional<T>> match) {
        return awaitAny(what, () -> {
            for (SubmissionRecord record : seen) {
                Optional<T> found = match.apply(record);
                if (found.isPresent()) {
                    seen.remove(record);
                    return found;
                }
            }
            return Optional.empty();
        });
    }

    private <T> T awaitAny(String what, Supplier<Optional<T>> look) {
        lock.lock();
        try {
            long nanos = PATIENCE.toNanos();
            while (true) {
                Optional<T> found = look.get();
                if (found.isPresent()) {
                    return found.get();
                }
                if (nanos <= 0) {
                    throw new AssertionError(what + " did not come");
                }
                nanos = came.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } finally {
            lock.unlock();
        }
    }

    /** One token a byte, as the test's tokenizer has it. */
    public static List<TokenOut> tokens(String text) {
        List<TokenOut> tokens = new ArrayList<>();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            tokens.add(TokenOut.newBuilder().setId(b & 0xff).setLogprob(-0.5f).build());
        }
        return tokens;
    }

    /** The token that ends an answer. */
    public static TokenOut eot() {
        return TokenOut.newBuilder()
                .setId(TestCheckpoint.EOT)
                .setLogprob(-0.25f)
                .build();
    }

    /** A delta of ASCII text at a position of the answer, in the first attempt. */
    public static ReplyDelta.Builder delta(JobSubmitted job, int index, String text) {
        return ReplyDelta.newBuilder()
                .setJobId(job.getJobId())
                .setEpoch(1)
                .setNonce(job.getReplyTo().getNonce())
                .setIndex(index)
                .setTextOffset(index)
                .addAllTokens(tokens(text))
                .setText(text);
    }

    /** The delta that ends an answer whose text was all told: the end token and the counts. */
    public static ReplyDelta.Builder last(JobSubmitted job, int index) {
        return delta(job, index, "")
                .addTokens(eot())
                .setLast(true)
                .setFinishReason("stop")
                .setUsage(usage(job, index + 1));
    }

    /** Counts. */
    public static Usage usage(JobSubmitted job, long completion) {
        return Usage.newBuilder()
                .setPromptTokens(job.getPromptTokensCount())
                .setCompletionTokens(completion)
                .build();
    }

    /** Sends deltas as one record to the job's reply address. */
    public void reply(JobSubmitted job, ReplyDelta.Builder... deltas) {
        ReplyRecord.Builder record = ReplyRecord.newBuilder();
        for (ReplyDelta.Builder delta : deltas) {
            record.addDeltas(delta);
        }
        send(replies, topics.replies(), job, Topics.REPLY.encode(record.build()));
    }

    /** Sends bytes that are no record to the job's reply partition. */
    public void garbage(JobSubmitted job) {
        send(replies, topics.replies(), job, new byte[] {7, 7, 7});
    }

    /** Answers a whole job at once, in two deltas. */
    public void answer(JobSubmitted job, String text) {
        reply(job, delta(job, 0, text), last(job, text.length()));
    }

    /** Says that an attempt is over without an answer. */
    public void retrying(JobSubmitted job, int epoch) {
        notice(
                job,
                NoticeRecord.newBuilder()
                        .setRetrying(
                                Retrying.newBuilder().setJobId(job.getJobId()).setEpoch(epoch)));
    }

    /** Says that a job is over without an answer. */
    public void failed(JobSubmitted job, JobOutcome outcome, String code, String message) {
        notice(
                job,
                NoticeRecord.newBuilder()
                        .setFinished(JobFinished.newBuilder()
                                .setJobId(job.getJobId())
                                .setOutcome(outcome)
                                .setErrorCode(code)
                                .setErrorMessage(message)));
    }

    private void notice(JobSubmitted job, NoticeRecord.Builder notice) {
        NoticeRecord record = notice.setNonce(job.getReplyTo().getNonce()).build();
        send(notices, topics.notices(), job, Topics.NOTICE.encode(record));
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, String topic, JobSubmitted job, byte[] value) {
        try {
            producer.send(new ProducerRecord<>(topic, job.getReplyTo().getPartition(), null, value))
                    .get(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        open = false;
        reader.join();
        replies.close(Duration.ZERO);
        notices.close(Duration.ZERO);
    }
}
