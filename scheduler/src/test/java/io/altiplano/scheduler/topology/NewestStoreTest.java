package io.altiplano.scheduler.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.Codec;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import io.altiplano.scheduler.topology.v1.StoredFinished;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.StateStoreContext;
import org.apache.kafka.streams.processor.internals.RecordBatchingStateRestoreCallback;
import org.apache.kafka.streams.state.internals.InMemoryKeyValueStore;
import org.junit.jupiter.api.Test;

class NewestStoreTest {
    private static final Codec<StoredEntry> CODEC = Codec.of(StoredEntry.getDefaultInstance());
    private static final Bytes KEY = Bytes.wrap(new byte[] {1});

    private static final byte[] DELETED = {};

    private final List<RecordBatchingStateRestoreCallback> restoring = new ArrayList<>();

    private static byte[] entry(String jobId, long generation) {
        return CODEC.encode(StoredEntry.newBuilder()
                .setFinished(StoredFinished.newBuilder().setJobId(jobId))
                .setGeneration(generation)
                .build());
    }

    /** Has the changelog's values of one key restored, in order. */
    private String restored(InMemoryKeyValueStore store, byte[]... changelog) {
        StateStoreContext context = (StateStoreContext) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {StateStoreContext.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("register")) {
                        restoring.add((RecordBatchingStateRestoreCallback) arguments[1]);
                    }
                    return switch (method.getName()) {
                        case "appConfigs" -> Map.of();
                        case "recordMetadata" -> Optional.empty();
                        default -> null;
                    };
                });
        store.init(context, store);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        for (byte[] value : changelog) {
            records.add(
                    new ConsumerRecord<>("changelog", 0, records.size(), KEY.get(), value == DELETED ? null : value));
        }
        restoring.getLast().restoreBatch(records);
        byte[] kept = store.get(KEY);
        return kept == null ? "nothing" : CODEC.decode(kept).getFinished().getJobId();
    }

    @Test
    void whatAReplacedSchedulerWroteLateIsNotRestored() {
        assertThat(restored(new NewestStore("s"), entry("old", 7), entry("successor", 8), entry("late", 7)))
                .isEqualTo("successor");
    }

    @Test
    void theStoreOfKafkaStreamsWouldRestoreIt() {
        assertThat(restored(new InMemoryKeyValueStore("s"), entry("successor", 8), entry("late", 7)))
                .isEqualTo("late");
    }

    @Test
    void ofOneSchedulersEntriesTheLastIsRestoredAndADeletedOneIsGone() {
        assertThat(restored(new NewestStore("s"), entry("first", 8), entry("second", 8)))
                .isEqualTo("second");
        assertThat(restored(new NewestStore("s"), entry("first", 8), DELETED)).isEqualTo("nothing");
    }
}
