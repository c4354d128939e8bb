package io.altiplano.worker.agent;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.SubmissionRecord;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Reads single records of {@code submissions} by pointer. Safe for use by many threads, one read at a time. */
final class Submissions implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final String topic;
    private final Consumer<String, byte[]> consumer;

    Submissions(Map<String, Object> consumerProperties, Topics topics) {
        this.topic = topics.submissions();
        Map<String, Object> properties = new HashMap<>(consumerProperties);
        properties.put("max.poll.records", 1);
        properties.put("auto.offset.reset", "none");
        this.consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
    }

    /**
     * The record at a pointer. Pointers that follow each other are read without asking the broker again.
     *
     * @throws SubmissionUnreadableException if there is none, or it cannot be read
     */
    private synchronized SubmissionRecord read(LogPointer pointer) throws SubmissionUnreadableException {
        TopicPartition partition = new TopicPartition(topic, pointer.getPartition());
        String where = partition + " at offset " + pointer.getOffset();
        try {
            if (!consumer.assignment().equals(Set.of(partition))) {
                consumer.assign(List.of(partition));
                consumer.seek(partition, pointer.getOffset());
            } else if (consumer.position(partition) != pointer.getOffset()) {
                consumer.seek(partition, pointer.getOffset());
            }
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (System.nanoTime() - deadline < 0) {
                for (ConsumerRecord<String, byte[]> found : consumer.poll(Duration.ofMillis(500))) {
                    if (found.offset() != pointer.getOffset() || found.value() == null) {
                        throw new SubmissionUnreadableException("the record of " + where + " is gone");
                    }
                    return Topics.SUBMISSION.decode(found.value());
                }
            }
        } catch (RuntimeException e) {
            throw new SubmissionUnreadableException("the record of " + where + " cannot be read: " + e.getMessage());
        }
        throw new SubmissionUnreadableException("the record of " + where + " did not come within " + PATIENCE);
    }

    /**
     * The job that a grant is for.
     *
     * @throws SubmissionUnreadableException if the grant's pointer leads to no record, or to another one
     */
    JobSubmitted submitted(Grant grant) throws SubmissionUnreadableException {
        SubmissionRecord record = read(grant.getSubmission());
        if (!record.hasSubmitted() || !record.getSubmitted().getJobId().equals(grant.getJobId())) {
            throw new SubmissionUnreadableException("the grant's pointer leads to another record");
        }
        return record.getSubmitted();
    }

    /**
     * What the client has of earlier attempts; nothing if the grant points to nothing.
     *
     * @throws SubmissionUnreadableException if the grant's pointer leads to no record, or to another one
     */
    JobRelayed relayed(Grant grant) throws SubmissionUnreadableException {
        if (!grant.hasRelayed()) {
            return JobRelayed.getDefaultInstance();
        }
        SubmissionRecord record = read(grant.getRelayed());
        if (!record.hasRelayed() || !record.getRelayed().getJobId().equals(grant.getJobId())) {
            throw new SubmissionUnreadableException("the grant's relay pointer leads to another record");
        }
        return record.getRelayed();
    }

    @Override
    public synchronized void close() {
        consumer.close();
    }

    /** A pointer that leads nowhere. */
    static final class SubmissionUnreadableException extends Exception {
        private static final long serialVersionUID = 1L;

        SubmissionUnreadableException(String message) {
            super(message);
        }
    }
}
