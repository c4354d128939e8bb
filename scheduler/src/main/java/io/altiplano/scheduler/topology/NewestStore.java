package io.altiplano.scheduler.topology;

import io.altiplano.contracts.Codec;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.internals.InMemoryKeyValueStore;
import org.jspecify.annotations.Nullable;

/**
 * The in-memory store, restored from a changelog that a replaced scheduler may have written to after its successor: of each entry that
 * of the greatest generation is kept, wherever in the changelog it stands. At least once, Kafka Streams keeps no late writer out.
 */
final class NewestStore extends InMemoryKeyValueStore {
    private final Deserializer<StoredEntry> codec =
            Codec.of(StoredEntry.getDefaultInstance()).serde().deserializer();

    NewestStore(String name) {
        super(name);
    }

    static KeyValueBytesStoreSupplier supplier(String name) {
        return new KeyValueBytesStoreSupplier() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public KeyValueStore<Bytes, byte[]> get() {
                return new NewestStore(name);
            }

            @Override
            public String metricsScope() {
                return "in-memory";
            }
        };
    }

    /** Restoring goes through here too. A deletion has no generation: what is deleted is so old that nobody else writes it. */
    @Override
    public synchronized void put(Bytes key, byte @Nullable [] value) {
        byte[] before = get(key);
        if (value == null || before == null || generation(before) <= generation(value)) {
            super.put(key, value);
        }
    }

    private long generation(byte[] entry) {
        return codec.deserialize("", entry).getGeneration();
    }
}
