package io.altiplano.scheduler.topology;

import com.google.protobuf.Message;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.AttemptRecord;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LogPointer;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.contracts.v1.WorkerHeartbeat;
import io.altiplano.scheduler.core.Event;
import java.util.Optional;
import org.apache.kafka.common.errors.SerializationException;
import org.jspecify.annotations.Nullable;

/**
 * From a source's bytes to what the core takes in.
 *
 * @param topics whose names tell what the bytes are
 */
record Inputs(Topics topics) {
    /** What a record turned out to be. */
    sealed interface Input {
        /** A fact, to be decided upon. */
        record Fact(Event event) implements Input {}

        /** A decision that was read back. */
        record Decided(JobRecord record) implements Input {}

        /** Nothing that this build can take in. */
        record Dead(DeadLetterReason reason, String why) implements Input {}
    }

    private static final Input UNKNOWN = new Input.Dead(
            DeadLetterReason.DEAD_LETTER_REASON_UNKNOWN_KIND, "a message of no kind that this build knows");

    /** Never throws for what the bytes are. */
    Input read(String topic, byte @Nullable [] value, LogPointer at) {
        try {
            Message message = decode(topic, value == null ? new byte[0] : value);
            if (message instanceof JobRecord job) {
                return job.getBodyCase() == JobRecord.BodyCase.BODY_NOT_SET ? UNKNOWN : new Input.Decided(job);
            }
            return event(message, at).<Input>map(Input.Fact::new).orElse(UNKNOWN);
        } catch (SerializationException e) {
            return new Input.Dead(DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE, String.valueOf(e.getMessage()));
        }
    }

    private Message decode(String topic, byte[] value) {
        if (topic.equals(topics.submissions())) {
            return Topics.SUBMISSION.decode(value);
        }
        if (topic.equals(topics.attempts())) {
            return Topics.ATTEMPT.decode(value);
        }
        return topic.equals(topics.workers()) ? Topics.WORKER.decode(value) : Topics.JOB.decode(value);
    }

    private static Optional<Event> event(Message message, LogPointer at) {
        return Optional.ofNullable(
                switch (message) {
                    case SubmissionRecord s ->
                        switch (s.getBodyCase()) {
                            case SUBMITTED -> new Event.Submitted(s.getSubmitted(), at);
                            case CANCELLED -> new Event.Cancelled(s.getCancelled());
                            case RELAYED -> new Event.Relayed(s.getRelayed(), at);
                            case WITHDRAWN -> new Event.Withdrawn(s.getWithdrawn());
                            case GATEWAY_LOST -> new Event.Deserted(s.getGatewayLost());
                            case BODY_NOT_SET -> null;
                        };
                    case AttemptRecord a ->
                        switch (a.getBodyCase()) {
                            case STARTED -> new Event.Started(a.getStarted());
                            case ENDED -> new Event.Ended(a.getEnded());
                            case BODY_NOT_SET -> null;
                        };
                    case WorkerHeartbeat w -> new Event.Heard(w);
                    default -> null;
                });
    }
}
