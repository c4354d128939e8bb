package io.altiplano.gateway.job;

import io.altiplano.gateway.access.KeyHasher;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Keeps prompts and answers unreadable to who has the database alone: AES-256-GCM with a key of the gateways', 12 bytes of nonce
 * before the text. A sealed text opens only as what it was sealed as: of that request, of that job.
 */
@ApplicationScoped
class Sealer {
    private static final int NONCE = 12;
    private static final int TAG_BITS = 128;

    private final SecretKeySpec key;
    private final SecureRandom random = new SecureRandom();

    @Inject
    Sealer(KeyHasher hasher) {
        this.key = new SecretKeySpec(hasher.derive("idempotent requests"), "AES");
    }

    byte[] seal(RequestKey.Name name, UUID job, String kind, byte[] text) {
        try {
            byte[] nonce = new byte[NONCE];
            random.nextBytes(nonce);
            byte[] sealed = cipher(Cipher.ENCRYPT_MODE, nonce, name, job, kind).doFinal(text);
            return ByteBuffer.allocate(NONCE + sealed.length)
                    .put(nonce)
                    .put(sealed)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java has AES-GCM", e);
        }
    }

    /** @throws GeneralSecurityException if it was not sealed as this, or with another pepper */
    byte[] open(RequestKey.Name name, UUID job, String kind, byte[] sealed) throws GeneralSecurityException {
        ByteBuffer buffer = ByteBuffer.wrap(sealed);
        byte[] nonce = new byte[NONCE];
        buffer.get(nonce);
        byte[] rest = new byte[buffer.remaining()];
        buffer.get(rest);
        return cipher(Cipher.DECRYPT_MODE, nonce, name, job, kind).doFinal(rest);
    }

    private Cipher cipher(int mode, byte[] nonce, RequestKey.Name name, UUID job, String kind)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        String as = String.join("\n", kind, job.toString(), name.tenantId(), name.projectId(), name.key());
        cipher.updateAAD(as.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}
