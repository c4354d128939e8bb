package io.altiplano.gateway.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Verifies the log of a database against its own chain and the checkpoints signed outside it. */
@Command(
        name = "verify",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Recomputes the audit log's whole chain, and holds it against the signed checkpoints.",
            "Exit code 0: it holds. 1: it, or a checkpoint, does not; the first bad row is named. 2: that could not be told."
        })
final class VerifyCommand implements Callable<Integer> {
    private static final String PASSWORD = "ALTIPLANO_DB_OPERATOR_PASSWORD";

    private final Map<String, String> environment;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--url",
            paramLabel = "URL",
            description = "JDBC address of the database (ALTIPLANO_DB_URL). It is only read.")
    private @Nullable String url;

    @Option(
            names = "--user",
            paramLabel = "ROLE",
            description = "Role that may read the log: the operator's, by default app_operator"
                    + " (ALTIPLANO_DB_OPERATOR_USERNAME). Its password comes from ALTIPLANO_DB_OPERATOR_PASSWORD.")
    private @Nullable String user;

    @Option(
            names = "--checkpoints",
            paramLabel = "FILE",
            description = "File of checkpoints (ALTIPLANO_AUDIT_CHECKPOINTS); again for each gateway that has its own.")
    private List<Path> checkpoints = List.of();

    @Option(
            names = "--public-key",
            paramLabel = "FILE",
            description =
                    "Public keys, PEM (ALTIPLANO_AUDIT_PUBLIC_KEY, or public.pem beside the first file of checkpoints)."
                            + " Give your own copy: one beside the checkpoints may be replaced together with them.")
    private List<Path> publicKeys = List.of();

    @Option(
            names = "--min-seq",
            paramLabel = "ROW",
            defaultValue = "0",
            description =
                    "A row that is known to have been signed, from an earlier verification, say: checkpoints that end"
                            + " before it were cut.")
    private long minSeq;

    @Option(names = "--json", description = "The result as one JSON object.")
    private boolean json;

    VerifyCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        List<Path> files = checkpoints.isEmpty()
                ? List.of(Path.of(setting("--checkpoints", "ALTIPLANO_AUDIT_CHECKPOINTS")))
                : checkpoints;
        CheckpointReader reader = new CheckpointReader(PublicKeys.read(keys(files)));
        // Before the database, so that a checkpoint that is signed meanwhile is not one too many.
        files.forEach(reader::read);
        reader.requireReach(minSeq);
        AuditFault wrong = reader.fault();
        AuditReport report = wrong == null
                ? verify(reader)
                : new AuditReport(0, SignedCheckpoint.NO_PREVIOUS, 0, null, reader.notes(), wrong);
        if (json) {
            out.println(json(report));
        } else {
            text(report).forEach(out::println);
        }
        return report.fault() == null ? 0 : 1;
    }

    private AuditReport verify(CheckpointReader reader) {
        String password = environment.getOrDefault(PASSWORD, "");
        String role = user != null ? user : environment.getOrDefault("ALTIPLANO_DB_OPERATOR_USERNAME", "app_operator");
        String address = url != null ? url : setting("--url", "ALTIPLANO_DB_URL");
        try (ConnectionChainStore source = ConnectionChainStore.connect(address, role, password)) {
            AuditReport report = new AuditVerifier(source, reader.checkpoints())
                    .verify(progress(source.head().seq()));
            return new AuditReport(
                    report.rows(),
                    report.head(),
                    report.checkpoints(),
                    report.proven(),
                    reader.notes(),
                    report.fault());
        }
    }

    private List<Path> keys(List<Path> files) {
        if (!publicKeys.isEmpty()) {
            return publicKeys;
        }
        String named = environment.getOrDefault("ALTIPLANO_AUDIT_PUBLIC_KEY", "");
        return List.of(named.isEmpty() ? files.getFirst().resolveSibling("public.pem") : Path.of(named));
    }

    private String setting(String option, String variable) {
        String value = environment.getOrDefault(variable, "");
        if (value.isEmpty()) {
            throw new CheckpointException(
                    "Say " + option + " or set " + variable + "; for a platform of ./altiplano up, start it first.");
        }
        return value;
    }

    private LongConsumer progress(long rows) {
        PrintWriter err =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getErr();
        long[] last = {System.nanoTime()};
        return done -> {
            if (System.nanoTime() - last[0] > TimeUnit.SECONDS.toNanos(2)) {
                last[0] = System.nanoTime();
                err.printf(Locale.ROOT, "  %,d of %,d rows%n", done, rows);
            }
        };
    }

    private static List<String> text(AuditReport report) {
        List<String> lines = new java.util.ArrayList<>();
        AuditFault fault = report.fault();
        if (fault != null) {
            lines.add("The audit log does NOT hold" + (fault.row() > 0 ? "; first bad row: " + fault.row() : "") + ".");
            lines.add(
                    "  What is wrong: " + fault.message() + " (" + fault.code().text() + ").");
            lines.add("  What to do: " + fault.code().remedy());
        } else {
            lines.add(String.format(
                    Locale.ROOT, "The audit log holds: %,d rows, chained without a gap to its head.", report.rows()));
        }
        SignedCheckpoint proven = report.proven();
        if (proven != null) {
            lines.add(String.format(
                    Locale.ROOT,
                    "Proven to row %d: %,d checkpoints are in the chain, the last of %s, signed with %s.",
                    proven.seq(),
                    report.checkpoints(),
                    proven.at(),
                    proven.key()));
        }
        if (fault == null && report.unproven() > 0) {
            lines.add(String.format(
                    Locale.ROOT,
                    "The last %,d rows came after it: whoever owns the database could have written them anew unseen.",
                    report.unproven()));
        }
        lines.addAll(report.notes());
        return lines;
    }

    private static String json(AuditReport report) {
        Map<String, Object> all = new LinkedHashMap<>();
        AuditFault fault = report.fault();
        SignedCheckpoint proven = report.proven();
        all.put("holds", fault == null);
        all.put("rows", report.rows());
        all.put("head", report.head());
        all.put("checkpoints", report.checkpoints());
        all.put("proven_to", proven == null ? 0 : proven.seq());
        all.put("proven_at", proven == null ? null : proven.at());
        all.put("unproven_rows", report.unproven());
        all.put("notes", report.notes());
        if (fault != null) {
            all.put("first_bad_row", fault.row() > 0 ? fault.row() : null);
            all.put("code", fault.code().text());
            all.put("message", fault.message());
            all.put("remedy", fault.code().remedy());
        }
        try {
            return new ObjectMapper().writeValueAsString(all);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("texts and numbers are JSON", e);
        }
    }
}
