package io.altiplano.contracts;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import java.nio.ByteBuffer;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.jspecify.annotations.Nullable;

/**
 * The binary form of every record: one version byte, then the protobuf message. A reader of version N refuses any other
 * version byte by name, so that an incompatible change is a visible one; compatible changes are protobuf's own.
 *
 * @param <M> the one message type of a topic
 */
public final class Codec<M extends Message> {
    /** The version written and the only one read. */
    public static final byte VERSION = 1;

    private final Parser<M> parser;
    private final String name;

    private Codec(Parser<M> parser, String name) {
        this.parser = parser;
        this.name = name;
    }

    /** The codec of a message type, from its default instance, e.g. {@code Codec.of(JobRecord.getDefaultInstance())}. */
    @SuppressWarnings("unchecked")
    public static <M extends Message> Codec<M> of(M prototype) {
        return new Codec<>(
                (Parser<M>) prototype.getParserForType(),
                prototype.getDescriptorForType().getName());
    }

    /** The bytes of a record: 1 + serialized size. */
    public byte[] encode(M message) {
        ByteBuffer out = ByteBuffer.allocate(1 + message.getSerializedSize());
        out.put(VERSION);
        out.put(message.toByteArray());
        return out.array();
    }

    /**
     * Reads one record.
     *
     * @throws SerializationException if there are no bytes (a tombstone, or an empty record), or they are of another
     *     version, or not this message
     */
    public M decode(byte @Nullable [] bytes) {
        if (bytes == null || bytes.length == 0) {
            throw new SerializationException("an empty record where a " + name + " was expected");
        }
        if (bytes[0] != VERSION) {
            throw new SerializationException("a " + name + " of codec version " + bytes[0]
                    + "; this build reads version " + VERSION + " alone: upgrade the reader first");
        }
        try {
            return parser.parseFrom(bytes, 1, bytes.length - 1);
        } catch (InvalidProtocolBufferException e) {
            throw new SerializationException("not a " + name + ": " + e.getMessage(), e);
        }
    }

    /** For Kafka producers. A null value (a tombstone) stays null. */
    public Serializer<M> serializer() {
        return (String topic, @Nullable M value) -> value == null ? null : encode(value);
    }

    /** For Kafka consumers. A null value (a tombstone) stays null. */
    public Deserializer<M> deserializer() {
        return (String topic, byte @Nullable [] bytes) -> bytes == null ? null : decode(bytes);
    }

    /** For Kafka Streams. */
    public Serde<M> serde() {
        return Serdes.serdeFrom(serializer(), deserializer());
    }
}
