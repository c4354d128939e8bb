package io.altiplano.scheduler.topology;

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.errors.DeserializationExceptionHandler;
import org.apache.kafka.streams.errors.ErrorHandlerContext;
import org.jspecify.annotations.Nullable;

/** Passes over a record that cannot be read, naming where it stands, so that it does not stall its partition. */
public final class PoisonHandler implements DeserializationExceptionHandler {
    /** The configuration key under which the observer is handed in. */
    static final String OBSERVER = "altiplano.observer";

    private @Nullable Observer observer;

    @Override
    public void configure(Map<String, ?> configs) {
        if (configs.get(OBSERVER) instanceof Observer o) {
            observer = o;
        }
    }

    @Override
    public DeserializationHandlerResponse handle(
            ErrorHandlerContext context, ConsumerRecord<byte[], byte[]> record, Exception exception) {
        Observer o = observer;
        if (o != null) {
            o.skipped(record.topic(), record.partition(), record.offset(), String.valueOf(exception.getMessage()));
        }
        return DeserializationHandlerResponse.CONTINUE;
    }
}
