package io.altiplano.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.IntToLongFunction;
import java.util.function.IntUnaryOperator;

/** Writes GGUF files that have no tensors. */
final class GgufMetadata {
    private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
    private int count;

    GgufMetadata text(String key, String value) {
        key(key, 8);
        string(value);
        return this;
    }

    GgufMetadata number(String key, int value) {
        key(key, 4);
        i32(value);
        return this;
    }

    GgufMetadata texts(String key, String... values) {
        list(key, 8, values.length);
        for (String value : values) {
            string(value);
        }
        return this;
    }

    GgufMetadata numbers(String key, int length, IntUnaryOperator value) {
        list(key, 5, length);
        for (int i = 0; i < length; i++) {
            i32(value.applyAsInt(i));
        }
        return this;
    }

    GgufMetadata floats(String key, int length, IntToLongFunction value) {
        list(key, 6, length);
        for (int i = 0; i < length; i++) {
            i32(Float.floatToIntBits(value.applyAsLong(i)));
        }
        return this;
    }

    byte[] file() {
        byte[] body = entries.toByteArray();
        return ByteBuffer.allocate(24 + body.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("GGUF".getBytes(StandardCharsets.US_ASCII))
                .putInt(3)
                .putLong(0)
                .putLong(count)
                .put(body)
                .array();
    }

    private void key(String key, int type) {
        count++;
        string(key);
        i32(type);
    }

    private void list(String key, int type, int length) {
        key(key, 9);
        i32(type);
        i64(length);
    }

    private void string(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        i64(bytes.length);
        entries.writeBytes(bytes);
    }

    private void i32(int value) {
        entries.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private void i64(long value) {
        entries.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }
}
