package io.altiplano.worker.kvcache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;

/**
 * The names of a sequence's full KV blocks: 128 bits of a SHA-256 chain over a salt, the adapter and all tokens up to the block's
 * end, which is all that keys and values depend on within one model. Sequences with different salts (tenants) have no name in
 * common, so that nobody learns from an answer's speed what another has asked. For one thread.
 */
public final class PrefixChain {
    private final MessageDigest sha = sha256();
    private final List<Name> names = new ArrayList<>();
    private final long[] labels;
    private byte[] link;

    /** A block's name. */
    record Name(long high, long low) {}

    /**
     * @param salt of those who may share
     * @param adapter what tells adapters apart; empty for none
     */
    public PrefixChain(String salt, String adapter) {
        this(salt, adapter, new long[0]);
    }

    /**
     * @param labels what others call the first blocks, in order; 0 for what they have no word for. They tell nothing to this
     *     class: who may share is told by the name alone
     */
    public PrefixChain(String salt, String adapter, long[] labels) {
        this.labels = labels.clone();
        for (String field : List.of(salt, adapter)) {
            byte[] bytes = field.getBytes(StandardCharsets.UTF_8);
            // With its length in front, so that no two pairs of fields run together to the same bytes.
            sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
            sha.update(bytes);
        }
        link = sha.digest();
    }

    /**
     * The name of block {@code index}.
     *
     * @param tokens of the sequence, at least up to the block's end; what was named once must not change
     */
    Name name(int index, int[] tokens) {
        while (names.size() <= index) {
            ByteBuffer block =
                    ByteBuffer.allocate(KvStorage.BLOCK * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < KvStorage.BLOCK; i++) {
                block.putInt(tokens[names.size() * KvStorage.BLOCK + i]);
            }
            sha.update(link);
            sha.update(block.array());
            link = sha.digest();
            ByteBuffer head = ByteBuffer.wrap(link);
            names.add(new Name(head.getLong(), head.getLong()));
        }
        return names.get(index);
    }

    /** What others call block {@code index}; 0 if they have no word for it. */
    long label(int index) {
        return index < labels.length ? labels[index] : 0;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
