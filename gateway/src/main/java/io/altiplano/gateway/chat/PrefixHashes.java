package io.altiplano.gateway.chat;

import com.google.protobuf.ByteString;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Names of a prompt's prefixes, by which workers share what they have computed: one for each full 16 tokens, 128 bits of a
 * SHA-256 chain over the tenant's salt, model, adapter and all token ids so far. Without the salt a tenant could learn by
 * timing which prompts another has sent; with it equal prompts of two tenants have no name in common.
 */
final class PrefixHashes {
    /** Tokens a hash; the workers' KV block. */
    static final int BLOCK = 16;

    /** Bytes a hash. */
    static final int BYTES = 16;

    private PrefixHashes() {}

    /**
     * The hashes in order, {@code tokens.length / 16} of them.
     *
     * @param saltHex the tenant's cache salt, hex
     * @param adapter empty for none
     */
    static List<ByteString> of(String saltHex, String model, String adapter, int[] tokens) {
        MessageDigest sha = sha256();
        sha.update(HexFormat.of().parseHex(saltHex));
        field(sha, model);
        field(sha, adapter);
        byte[] chain = sha.digest();
        List<ByteString> hashes = new ArrayList<>(tokens.length / BLOCK);
        ByteBuffer block = ByteBuffer.allocate(BLOCK * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int from = 0; from + BLOCK <= tokens.length; from += BLOCK) {
            block.clear();
            for (int i = 0; i < BLOCK; i++) {
                block.putInt(tokens[from + i]);
            }
            sha.update(chain);
            sha.update(block.array());
            chain = sha.digest();
            hashes.add(ByteString.copyFrom(chain, 0, BYTES));
        }
        return hashes;
    }

    /** With its length in front, so that no two pairs of fields run together to the same bytes. */
    private static void field(MessageDigest sha, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        sha.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
        sha.update(bytes);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
