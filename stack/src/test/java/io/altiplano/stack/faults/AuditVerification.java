package io.altiplano.stack.faults;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.platform.Apps;
import io.altiplano.stack.platform.AuditFiles;
import io.altiplano.stack.platform.Database;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** {@code audit verify}, as an operator runs it. */
final class AuditVerification {
    private AuditVerification() {}

    /** What it says if the log does not hold against the checkpoints of both gateways; empty if it does. */
    static String complaint(Apps apps, AuditFiles audit, Path secondCheckpoints, Database database) {
        try {
            List<String> more = List.of(
                    "--checkpoints", audit.checkpoints().toString(), "--checkpoints", secondCheckpoints.toString());
            ProcessBuilder builder =
                    new ProcessBuilder(AuditFiles.verification(apps.gateway(), more)).redirectErrorStream(true);
            builder.environment().putAll(audit.verifying());
            builder.environment().putAll(database.operator());
            Process process = builder.start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? "" : said;
        } catch (IOException e) {
            throw new InfraException("audit verify did not run: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
