package io.altiplano.scheduler.topology;

import com.google.protobuf.CodedInputStream;
import io.altiplano.contracts.Codec;
import io.altiplano.scheduler.topology.v1.StoredEntry;
import java.io.IOException;
import org.apache.kafka.common.errors.SerializationException;
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
    private static final Codec<StoredEntry> CODEC = Codec.of(StoredEntry.getDefaultInstance());
    private static final int GENERATION_TAG = StoredEntry.GENERATION_FIELD_NUMBER << 3;

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

    /** The entry's generation alone: each put asks twice, and what else an entry holds is passed over unread. */
    private static long generation(byte[] entry) {
        if (entry.length == 0 || entry[0] != Codec.VERSION) {
            return CODEC.decode(entry).getGeneration();
        }
        CodedInputStream in = CodedInputStream.newInstance(entry, 1, entry.length - 1);
        long generation = 0;
        try {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (tag == GENERATION_TAG) {
                    generation = in.readInt64();
                } else {
                    var unused = in.skipField(tag);
                }
            }
        } catch (IOException e) {
            throw new SerializationException("not a stored entry: " + e.getMessage(), e);
        }
        return generation;
    }
}
