package io.altiplano.gateway.audit;

import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Has the log's head signed now and then, and a last time when the gateway stops. */
@ApplicationScoped
public class Checkpoints {
    private static final Logger LOG = Logger.getLogger(Checkpoints.class);

    private final AuditLog audit;
    private final AuditSettings settings;
    private final Clock clock;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private @Nullable Thread thread;
    private String told = "";

    @Inject
    Checkpoints(AuditLog audit, AuditSettings settings, Clock clock) {
        this.audit = audit;
        this.settings = settings;
        this.clock = clock;
    }

    void start(@Observes StartupEvent event) {
        Path file = settings.checkpoints().orElse(null);
        if (file == null) {
            LOG.warn("No checkpoints of the audit log are signed: whoever owns the database could write it anew unseen."
                    + " Set altiplano.audit.checkpoints and altiplano.audit.signing-key (docs/audit.md).");
            return;
        }
        Path key = settings.signingKey()
                .orElseThrow(() -> new CheckpointException(
                        "altiplano.audit.checkpoints is set and altiplano.audit.signing-key is not: make a key as docs/audit.md"
                                + " says and name its file."));
        Path publicKey = settings.publicKey().orElse(file.resolveSibling("public.pem"));
        CheckpointWriter writer = new CheckpointWriter(audit, file, key, publicKey, clock);
        thread = Thread.ofPlatform().daemon().name("audit-checkpoints").start(() -> run(writer));
    }

    /** While the database can still be asked, and behind all that may leave a row. */
    void stop(@Observes @Priority(2900) ShutdownEvent event) throws InterruptedException {
        stopped.countDown();
        Thread last = thread;
        if (last != null) {
            last.join(TimeUnit.SECONDS.toMillis(5));
        }
    }

    private void run(CheckpointWriter writer) {
        try {
            boolean more;
            do {
                more = !stopped.await(settings.checkpointEvery().toMillis(), TimeUnit.MILLISECONDS);
                round(writer);
            } while (more);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void round(CheckpointWriter writer) {
        try {
            if (writer.round() instanceof CheckpointWriter.Outcome.Refused(AuditFault fault)) {
                tell("The audit log does not hold, so nothing is signed: " + fault.message() + ". "
                        + fault.code().remedy() + " ./altiplano audit verify tells more.");
            } else {
                told = "";
            }
        } catch (DatabaseUnavailableException e) {
            LOG.debugf("audit log not signed: %s", e.getMessage());
        } catch (IOException | RuntimeException e) {
            tell("The audit log's checkpoint was not written: " + e);
        }
    }

    /** Once, and not every few seconds. */
    private void tell(String message) {
        if (!message.equals(told)) {
            LOG.error(message);
            told = message;
        }
    }
}
