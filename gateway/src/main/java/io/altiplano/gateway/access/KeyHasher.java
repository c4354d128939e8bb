package io.altiplano.gateway.access;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** HMAC-SHA256 of API keys with the platform's pepper: 32 bytes, what is stored in a key's place. */
@ApplicationScoped
public class KeyHasher {
    private static final int LEAST_PEPPER_BYTES = 32;

    private final SecretKeySpec pepper;

    @Inject
    KeyHasher(KeySettings settings) {
        byte[] bytes;
        try {
            bytes = HexFormat.of().parseHex(settings.pepper().strip());
        } catch (IllegalArgumentException e) {
            // Without the cause: its message quotes the value.
            throw new IllegalArgumentException("altiplano.keys.pepper is not hex; make one with: openssl rand -hex 32");
        }
        if (bytes.length < LEAST_PEPPER_BYTES) {
            throw new IllegalArgumentException("altiplano.keys.pepper has " + bytes.length
                    + " bytes, it needs at least " + LEAST_PEPPER_BYTES + "; make one with: openssl rand -hex 32");
        }
        this.pepper = new SecretKeySpec(bytes, "HmacSHA256");
    }

    byte[] hash(KeyText key) {
        return hmac(key.secretText().getBytes(StandardCharsets.US_ASCII));
    }

    /** A key for another purpose, 32 bytes: without the pepper it cannot be found, and from it the pepper cannot. */
    public byte[] derive(String purpose) {
        // No text of an API key begins so.
        return hmac(("derived key: " + purpose).getBytes(StandardCharsets.UTF_8));
    }

    private byte[] hmac(byte[] text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(pepper);
            return mac.doFinal(text);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has HmacSHA256", e);
        }
    }

    /** Compares in a time that does not tell how much of it is equal. */
    static boolean same(byte[] one, byte[] other) {
        return MessageDigest.isEqual(one, other);
    }
}
