package io.altiplano.gateway.audit;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** {@code altiplano.audit.*}: signed checkpoints of the audit log outside the database. */
@ConfigMapping(prefix = "altiplano.audit")
public interface AuditSettings {
    /** The file that checkpoints are appended to; without it there are none. */
    Optional<Path> checkpoints();

    /** The Ed25519 private key that signs them: PEM, PKCS#8. */
    Optional<Path> signingKey();

    /** Its public key, PEM, with those of earlier checkpoints if the key was changed; {@code public.pem} beside them by default. */
    Optional<Path> publicKey();

    /** How often the head is looked at. */
    @WithDefault("PT10S")
    Duration checkpointEvery();
}
