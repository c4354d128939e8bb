package io.altiplano.stack.platform;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AuditFilesTest {
    @TempDir
    Path folder;

    @Test
    void theKeysAreAPairAndThePrivateOneIsItsOwnersAlone() throws Exception {
        // given
        AuditFiles files = AuditFiles.under(folder);

        // when
        files.makeKeys();

        // then
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files.signingKey())))
                .isEqualTo("rw-------");
        assertThat(files.publicKey()).hasParentRaw(files.checkpoints().getParent());
        KeyFactory factory = KeyFactory.getInstance("Ed25519");
        PrivateKey signing = factory.generatePrivate(new PKCS8EncodedKeySpec(der(files.signingKey())));
        PublicKey verifying = factory.generatePublic(new X509EncodedKeySpec(der(files.publicKey())));
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(signing);
        signature.update((byte) 7);
        byte[] signed = signature.sign();
        signature.initVerify(verifying);
        signature.update((byte) 7);
        assertThat(signature.verify(signed)).isTrue();
    }

    @Test
    void aSecondStartKeepsThemAndALostKeyIsReplacedWithTheOldPublicOneKept() throws Exception {
        // given
        AuditFiles files = AuditFiles.under(folder);
        files.makeKeys();
        String signing = Files.readString(files.signingKey());
        String verifying = Files.readString(files.publicKey());

        // when
        files.makeKeys();
        String kept = Files.readString(files.signingKey());
        Files.delete(files.signingKey());
        files.makeKeys();

        // then
        assertThat(kept).isEqualTo(signing);
        assertThat(Files.readString(files.signingKey())).isNotEqualTo(signing);
        assertThat(Files.readString(files.publicKey())).endsWith(verifying).hasSizeGreaterThan(verifying.length());
    }

    private static byte[] der(Path pem) throws Exception {
        return Base64.getMimeDecoder().decode(Files.readString(pem).replaceAll("-----[A-Z ]+-----", ""));
    }
}
