package io.altiplano.worker.agent;

import io.altiplano.contracts.v1.ReplyDelta;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Gathers a step's deltas of one model into one record a gateway partition. For that model's engine thread.
 */
final class StepReplies {
    private static final int MOST_BYTES = 512 * 1024;

    private final Map<Integer, Gathered> byPartition = new LinkedHashMap<>();

    private static final class Gathered {
        final List<ReplyDelta> deltas = new ArrayList<>();
        final List<Consumer<@Nullable Exception>> done = new ArrayList<>();
        int bytes;
    }

    /** Adds deltas for a partition; {@code done} hears when the last of them is written or has failed. */
    void add(int partition, List<ReplyDelta> deltas, Consumer<@Nullable Exception> done, Outbox outbox) {
        for (int i = 0; i < deltas.size(); i++) {
            Gathered gathered = byPartition.computeIfAbsent(partition, p -> new Gathered());
            int size = deltas.get(i).getSerializedSize();
            if (gathered.bytes > 0 && gathered.bytes + size > MOST_BYTES) {
                send(partition, gathered, outbox);
                gathered = new Gathered();
                byPartition.put(partition, gathered);
            }
            gathered.deltas.add(deltas.get(i));
            gathered.bytes += size;
            if (i == deltas.size() - 1) {
                gathered.done.add(done);
            }
        }
    }

    /** Sends what was gathered. */
    void flush(Outbox outbox) {
        byPartition.forEach((partition, gathered) -> send(partition, gathered, outbox));
        byPartition.clear();
    }

    private static void send(int partition, Gathered gathered, Outbox outbox) {
        outbox.replies(partition, gathered.deltas, error -> gathered.done.forEach(done -> done.accept(error)));
    }
}
