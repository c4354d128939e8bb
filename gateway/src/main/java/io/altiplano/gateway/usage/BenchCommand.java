package io.altiplano.gateway.usage;

import java.io.PrintWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures posting and reading in a database made for it. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Posts finished jobs to the ledger of an empty database and prints the rates, beside that of the bare COPY of the same"
                    + " rows in the same rounds; then reads a tenant's month from filled rollups.",
            "Needs an empty database: ALTIPLANO_DB_URL and the users and passwords of the roles owner, operator,"
                    + " tenant and ledger."
        })
final class BenchCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(names = "--rounds", defaultValue = "9", description = "Rounds, of which the first is a warm-up (9).")
    private int rounds = 9;

    @Option(names = "--rows", defaultValue = "20000", description = "Rows a round and way (20000).")
    private int rows = 20_000;

    @Option(names = "--batch", defaultValue = "5000", description = "Rows a transaction (5000).")
    private int batch = 5000;

    @Option(
            names = "--partitions",
            defaultValue = "2",
            description = "Partitions that are posted at once, after one alone (2, at most 4).")
    private int partitions = 2;

    @Option(
            names = "--tenants",
            defaultValue = "1000",
            description = "Tenants whose month fills the rollups, of 1,280 rows by day each (1000).")
    private int tenants = 1000;

    BenchCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        if (partitions < 1 || partitions > Posters.MOST) {
            throw new IllegalArgumentException("--partitions must be 1 to " + Posters.MOST);
        }
        migrate();
        List<Handle> sessions =
                Stream.generate(() -> jdbi("ledger").open()).limit(partitions).toList();
        Handle session = sessions.getFirst();
        try (Handle owner = jdbi("owner").open();
                Handle operator = jdbi("operator").open();
                Handle tenant = jdbi("tenant").open()) {
            if (session.createQuery("SELECT count(*) FROM ledger_entry")
                            .mapTo(Long.class)
                            .one()
                    > 0) {
                throw new IllegalStateException("the database's ledger is not empty; it is no place for a benchmark");
            }
            new PostingBench(sessions, owner, operator, rounds, rows, batch).run(out);
            new MonthBench(session, owner, tenant, tenants).run(out);
        } finally {
            sessions.forEach(Handle::close);
        }
        return 0;
    }

    private void migrate() {
        Map<String, String> placeholders = new HashMap<>();
        for (String role : List.of("owner", "tenant", "auth", "ledger", "operator")) {
            placeholders.put(role + "_role", user(role));
        }
        var unused = Flyway.configure(getClass().getClassLoader())
                .dataSource(LedgerCli.setting(environment, "ALTIPLANO_DB_URL"), user("owner"), password("owner"))
                .locations("classpath:db/migration")
                .placeholders(placeholders)
                .load()
                .migrate();
    }

    private Jdbi jdbi(String role) {
        return Jdbi.create(LedgerCli.setting(environment, "ALTIPLANO_DB_URL"), user(role), password(role));
    }

    private String user(String role) {
        return LedgerCli.setting(environment, "ALTIPLANO_DB_" + role.toUpperCase(Locale.ROOT) + "_USERNAME");
    }

    private String password(String role) {
        return LedgerCli.setting(environment, "ALTIPLANO_DB_" + role.toUpperCase(Locale.ROOT) + "_PASSWORD");
    }
}
