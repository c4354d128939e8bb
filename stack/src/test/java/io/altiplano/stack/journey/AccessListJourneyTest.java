package io.altiplano.stack.journey;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobRecord;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;

@Journey
class AccessListJourneyTest {
    @Test
    void aWorkerCannotForgeTheSchedulersWord(Platform platform) {
        // given
        Map<String, Object> properties = platform.kafka("worker").producer();
        JobRecord forged = JobRecord.newBuilder().build();

        // when
        Throwable refusal;
        try (var producer = new KafkaProducer<>(properties, new StringSerializer(), Topics.JOB.serializer())) {
            refusal = catchThrowable(
                    () -> producer.send(new ProducerRecord<>(platform.topics().jobs(), "default", forged))
                            .get());
        }

        // then
        assertThat(refusal)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(TopicAuthorizationException.class);
    }
}
