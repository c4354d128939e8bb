package io.altiplano.gateway.approval;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 over a record's content in a form that two contents never share: each field in a fixed order as a netstring (UTF-8
 * length, ':', text, ','), null as "-". Whoever builds one lists every field that an approver must have seen.
 */
public final class ContentHash {
    private final MessageDigest sha256;

    private ContentHash(MessageDigest sha256) {
        this.sha256 = sha256;
    }

    /** Begins the content of a kind of record; the kind is its first field. */
    public static ContentHash of(String kind) {
        try {
            return new ContentHash(MessageDigest.getInstance("SHA-256")).field(kind);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The next field, by its {@code toString}. */
    public ContentHash field(@Nullable Object value) {
        if (value == null) {
            sha256.update((byte) '-');
            return this;
        }
        byte[] utf8 = value.toString().getBytes(StandardCharsets.UTF_8);
        sha256.update((utf8.length + ":").getBytes(StandardCharsets.US_ASCII));
        sha256.update(utf8);
        sha256.update((byte) ',');
        return this;
    }

    /** 64 lower-case hex digits. The object is of no use after that. */
    public String hex() {
        return HexFormat.of().formatHex(sha256.digest());
    }
}
