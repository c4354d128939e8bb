package io.altiplano.stack.platform;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.JavaCommand;
import io.altiplano.stack.infra.Secrets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Signed checkpoints of the audit log, outside the database.
 *
 * @param checkpoints the file that gateways append to
 * @param publicKey what verifies them, PEM: the newest key first
 * @param signingKey what signs them, PEM; apart from the other two, which are there to be copied elsewhere
 */
public record AuditFiles(Path checkpoints, Path publicKey, Path signingKey) {
    private static final String VERIFY = "io.altiplano.gateway.audit.AuditCli";

    /** Where they are in a folder. */
    public static AuditFiles under(Path folder) {
        return new AuditFiles(
                folder.resolve("audit/checkpoints.jsonl"),
                folder.resolve("audit/public.pem"),
                folder.resolve("audit-signing-key.pem"));
    }

    /** Makes the Ed25519 key pair if there is none; the private key is readable by its owner alone. */
    public void makeKeys() {
        if (Files.exists(signingKey)) {
            return;
        }
        try {
            KeyPair pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            Files.createDirectories(publicKey.toAbsolutePath().getParent());
            // The key before was lost; its checkpoints are still to be verified.
            String earlier = Files.exists(publicKey) ? Files.readString(publicKey) : "";
            Files.writeString(publicKey, pem("PUBLIC KEY", pair.getPublic().getEncoded()) + earlier);
            Secrets.writePrivately(
                    signingKey, pem("PRIVATE KEY", pair.getPrivate().getEncoded()));
        } catch (IOException e) {
            throw new InfraException("cannot write the audit log's keys to " + publicKey + ": " + e.getMessage(), e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has Ed25519", e);
        }
    }

    /** What a gateway that signs them is told. */
    Map<String, String> environment() {
        Map<String, String> e = new LinkedHashMap<>(verifying());
        e.put("ALTIPLANO_AUDIT_SIGNING_KEY", signingKey.toString());
        return e;
    }

    /** What a verification is told. */
    public Map<String, String> verifying() {
        Map<String, String> e = new LinkedHashMap<>();
        e.put("ALTIPLANO_AUDIT_CHECKPOINTS", checkpoints.toString());
        e.put("ALTIPLANO_AUDIT_PUBLIC_KEY", publicKey.toString());
        return e;
    }

    /** The command line that verifies an audit log, by the classes of a built gateway. */
    public static List<String> verification(Path gatewayApp, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of(
                JavaCommand.java(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                gatewayApp.resolve("app/*") + ":" + gatewayApp.resolve("lib/main/*") + ":"
                        + gatewayApp.resolve("lib/boot/*"),
                VERIFY,
                "verify"));
        command.addAll(arguments);
        return command;
    }

    private static String pem(String kind, byte[] der) {
        return "-----BEGIN " + kind + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + kind + "-----\n";
    }
}
