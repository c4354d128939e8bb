package io.altiplano.gateway.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Ed25519 keys whose checkpoints are believed, by their ids. Files are PEM, one or several keys each. */
final class PublicKeys {
    private static final Pattern PEM =
            Pattern.compile("-----BEGIN ([A-Z ]+)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");

    private final Map<String, PublicKey> byId = new LinkedHashMap<>();

    /**
     * Reads keys.
     *
     * @throws CheckpointException a file is not there, or holds none
     */
    static PublicKeys read(List<Path> files) {
        PublicKeys keys = new PublicKeys();
        for (Path file : files) {
            for (byte[] der : blocks(file, "PUBLIC KEY")) {
                try {
                    PublicKey key = factory().generatePublic(new X509EncodedKeySpec(der));
                    keys.byId.put(id(key), key);
                } catch (GeneralSecurityException e) {
                    throw new CheckpointException(file + " holds a key that is not an Ed25519 public key.", e);
                }
            }
        }
        return keys;
    }

    /**
     * The Ed25519 private key of a file.
     *
     * @throws CheckpointException it is not there, is none, or others than its owner may read it
     */
    static PrivateKey readPrivate(Path file) {
        List<byte[]> blocks = blocks(file, "PRIVATE KEY");
        try {
            // A group may: that is how a Kubernetes volume hands a Secret to the process.
            Set<?> permissions = Files.getPosixFilePermissions(file);
            if (permissions.contains(java.nio.file.attribute.PosixFilePermission.OTHERS_READ)) {
                throw new CheckpointException("Everybody may read the private key " + file + ": chmod 600 it.");
            }
            return factory().generatePrivate(new PKCS8EncodedKeySpec(blocks.getFirst()));
        } catch (GeneralSecurityException e) {
            throw new CheckpointException(file + " is not an Ed25519 private key (PKCS#8).", e);
        } catch (IOException e) {
            throw new CheckpointException("The private key " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** The id of a key. */
    static String id(PublicKey key) {
        return HexFormat.of()
                .formatHex(AuditChain.sha256().digest(key.getEncoded()))
                .substring(0, 16);
    }

    /** Their ids, in the order of the files. */
    List<String> ids() {
        return List.copyOf(byId.keySet());
    }

    /** Whether a checkpoint names a key that is here. */
    boolean knows(SignedCheckpoint checkpoint) {
        return byId.containsKey(checkpoint.key());
    }

    /** Whether a checkpoint is signed by the key that it names, and that is here. */
    boolean signed(SignedCheckpoint checkpoint) {
        PublicKey key = byId.get(checkpoint.key());
        if (key == null) {
            return false;
        }
        try {
            Signature ed25519 = Signature.getInstance("Ed25519");
            ed25519.initVerify(key);
            ed25519.update(checkpoint.canonical());
            return ed25519.verify(Base64.getDecoder().decode(checkpoint.signature()));
        } catch (GeneralSecurityException e) {
            // A signature of another length, say.
            return false;
        }
    }

    private static KeyFactory factory() throws GeneralSecurityException {
        return KeyFactory.getInstance("Ed25519");
    }

    private static List<byte[]> blocks(Path file, String kind) {
        String text;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new CheckpointException("There is no key file " + file + ".", e);
        } catch (IOException e) {
            throw new CheckpointException("The key file " + file + " cannot be read: " + e.getMessage(), e);
        }
        List<byte[]> blocks = new ArrayList<>();
        for (Matcher m = PEM.matcher(text); m.find(); ) {
            if (m.group(1).equals(kind)) {
                blocks.add(Base64.getMimeDecoder().decode(m.group(2)));
            }
        }
        if (blocks.isEmpty()) {
            throw new CheckpointException("The key file " + file + " holds no PEM block of the kind " + kind + ".");
        }
        return blocks;
    }
}
