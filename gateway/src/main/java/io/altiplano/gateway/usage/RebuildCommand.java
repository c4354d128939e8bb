package io.altiplano.gateway.usage;

import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Rebuilds the ledger from the log and compares. */
@Command(
        name = "rebuild",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Reads the topic jobs from its beginning into a second ledger, of this command's own session, and holds the kept one"
                    + " against it byte for byte: entries, cost lines, rollups, dead letters, offsets. Writes nothing that stays;"
                    + " the platform may be at work.",
            "Exit code 0: they are equal. 1: they are not; the first row that differs is shown. 2: that could not be told, or the"
                    + " log does not reach back to its first record.",
            "Settings as the gateway's: ALTIPLANO_DB_URL, ALTIPLANO_DB_LEDGER_USERNAME (app_ledger),"
                    + " ALTIPLANO_DB_LEDGER_PASSWORD, ALTIPLANO_KAFKA_*, ALTIPLANO_TOPICS_PREFIX."
        })
final class RebuildCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    private @Nullable CommandSpec spec;

    RebuildCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        Jdbi ledger = Jdbi.create(
                LedgerCli.setting(environment, "ALTIPLANO_DB_URL"),
                environment.getOrDefault("ALTIPLANO_DB_LEDGER_USERNAME", "app_ledger"),
                LedgerCli.setting(environment, "ALTIPLANO_DB_LEDGER_PASSWORD"));
        KafkaConfig kafka = new KafkaConfig(
                LedgerCli.setting(environment, "ALTIPLANO_KAFKA_BOOTSTRAP"),
                environment.getOrDefault("ALTIPLANO_KAFKA_SECURITY", "PLAINTEXT"),
                environment.getOrDefault("ALTIPLANO_KAFKA_MECHANISM", "SCRAM-SHA-512"),
                environment.getOrDefault("ALTIPLANO_KAFKA_USERNAME", "gateway"),
                environment.getOrDefault("ALTIPLANO_KAFKA_PASSWORD", ""));
        String jobs = new Topics(environment.getOrDefault("ALTIPLANO_TOPICS_PREFIX", "")).jobs();
        Rebuild.Report report = new Rebuild(ledger, kafka, jobs, progress()).run();
        out.printf(Locale.ROOT, "%,d records of %s were replayed.%n", report.records(), jobs);
        for (Rebuild.Compared table : report.tables()) {
            out.printf(
                    Locale.ROOT,
                    "  %-14s %,12d rows  sha256 %s  %s%n",
                    table.table().table(),
                    table.kept(),
                    table.sha256().substring(0, 16),
                    table.difference() == null ? "equal" : "DIFFERS");
            if (table.difference() != null) {
                out.println("    first difference: " + table.difference());
            }
        }
        report.missing()
                .forEach((partition, first) -> out.printf(
                        "The log's partition %d begins at offset %d: what it held before cannot be rebuilt.%n",
                        partition, first));
        if (report.equal()) {
            out.println("The ledger is what its log gives, byte for byte.");
            return 0;
        }
        out.println("The ledger is NOT what its log gives.");
        return report.missing().isEmpty() ? 1 : 2;
    }

    private BiConsumer<Long, Long> progress() {
        PrintWriter err =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getErr();
        long[] last = {System.nanoTime()};
        return (done, total) -> {
            if (System.nanoTime() - last[0] > TimeUnit.SECONDS.toNanos(2)) {
                last[0] = System.nanoTime();
                err.printf(Locale.ROOT, "  %,d of %,d records%n", done, total);
            }
        };
    }
}
