package io.altiplano.gateway.usage;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.price.Cost;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.LongUnaryOperator;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
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
            "Needs an empty database: ALTIPLANO_DB_URL and the users and passwords of the roles owner, tenant and ledger."
        })
final class BenchCommand implements Callable<Integer> {
    private static final int TENANTS = 200;
    private static final String MODEL = "llama-3.1-starter";

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
            names = "--tenants",
            defaultValue = "1000",
            description = "Tenants whose month fills the rollups, of 1,240 rows each (1000).")
    private int tenants = 1000;

    private final Random random = new Random(1);
    private final Map<TopicPartition, Long> next = new HashMap<>();

    BenchCommand(Map<String, String> environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() {
        PrintWriter out =
                Objects.requireNonNull(spec, "picocli sets it").commandLine().getOut();
        migrate();
        Jdbi ledger = jdbi("ledger");
        try (Handle session = ledger.open()) {
            if (session.createQuery("SELECT count(*) FROM ledger_entry")
                            .mapTo(Long.class)
                            .one()
                    > 0) {
                throw new IllegalStateException("the database's ledger is not empty; it is no place for a benchmark");
            }
            session.inTransaction(h -> {
                LedgerStore.ensurePartition(h, Instant.now());
                return true;
            });
            ingest(out, session);
            month(out, session);
        }
        return 0;
    }

    /** One way to write encoded records; gives nanoseconds. */
    private interface Way {
        void write(List<ConsumerRecord<byte[], byte[]>> records);
    }

    private void ingest(PrintWriter out, Handle session) {
        PriceList prices = PriceBook.read(session);
        Map<String, Way> ways = new java.util.LinkedHashMap<>();
        ways.put("bare COPY of the entries, into an unlogged table", records -> copy(session, records));
        ways.put("usage rows (entry, rollups, offset)", records -> usage(session, records));
        ways.put("with cost lines", records -> costs(session, records, prices));
        Map<String, double[]> rates = new java.util.LinkedHashMap<>();
        ways.keySet().forEach(name -> rates.put(name, new double[rounds - 1]));
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, Way> way : ways.entrySet()) {
                List<List<ConsumerRecord<byte[], byte[]>>> batches = records(way.getKey());
                long begin = System.nanoTime();
                batches.forEach(way.getValue()::write);
                double seconds = (System.nanoTime() - begin) / 1e9;
                if (round > 0) {
                    Objects.requireNonNull(rates.get(way.getKey()))[round - 1] = rows / seconds;
                }
            }
        }
        out.printf(
                Locale.ROOT,
                "One gateway posts %,d rows in transactions of %,d, of %d tenants; median and range of %d rounds:%n",
                rows,
                batch,
                TENANTS,
                rounds - 1);
        double floor =
                median(Objects.requireNonNull(rates.get(ways.keySet().iterator().next())));
        rates.forEach((name, measured) -> {
            double median = median(measured);
            out.printf(
                    Locale.ROOT,
                    "  %-50s %,9.0f rows/s  (%,.0f to %,.0f)  %.2f of the bare COPY%n",
                    name,
                    median,
                    Arrays.stream(measured).min().orElse(0),
                    Arrays.stream(measured).max().orElse(0),
                    median / floor);
        });
    }

    private void copy(Handle session, List<ConsumerRecord<byte[], byte[]>> records) {
        List<CostedEntry> entries = free(batch(records));
        session.inTransaction(h -> {
            LedgerStore.stage(h, entries);
            return true;
        });
    }

    private void usage(Handle session, List<ConsumerRecord<byte[], byte[]>> records) {
        Batch posting = batch(records);
        List<CostedEntry> entries = free(posting);
        session.inTransaction(h -> {
            require(LedgerStore.advance(h, posting));
            return LedgerStore.post(h, entries);
        });
    }

    private static List<CostedEntry> free(Batch posting) {
        return posting.entries().stream()
                .map(entry -> new CostedEntry(entry, Cost.NONE))
                .toList();
    }

    private void costs(Handle session, List<ConsumerRecord<byte[], byte[]>> records, PriceList prices) {
        Batch posting = batch(records);
        session.inTransaction(h -> {
            require(Ledger.write(h, posting, prices).posted() == Ledger.Posted.YES);
            return true;
        });
    }

    private static void require(boolean posted) {
        if (!posted) {
            throw new IllegalStateException("somebody else posts to this database");
        }
    }

    private Batch batch(List<ConsumerRecord<byte[], byte[]>> records) {
        TopicPartition partition = new TopicPartition(
                records.getFirst().topic(), records.getFirst().partition());
        return Batches.of(partition, records.getFirst().offset(), records);
    }

    /** Encoded jobs of a way, as they come from Kafka: its own topic, offsets going on from the last call. */
    private List<List<ConsumerRecord<byte[], byte[]>>> records(String way) {
        TopicPartition partition = new TopicPartition("bench " + way, 0);
        long offset = next.computeIfAbsent(
                partition, p -> jdbi("ledger").inTransaction(h -> LedgerStore.nextOffset(h, p.topic(), p.partition())));
        List<List<ConsumerRecord<byte[], byte[]>>> all = new ArrayList<>();
        for (int from = 0; from < rows; from += batch) {
            List<ConsumerRecord<byte[], byte[]>> one = new ArrayList<>();
            for (int i = from; i < Math.min(rows, from + batch); i++) {
                one.add(new ConsumerRecord<>(partition.topic(), 0, offset++, new byte[0], Topics.JOB.encode(job())));
            }
            all.add(one);
        }
        next.put(partition, offset);
        return all;
    }

    private JobRecord job() {
        long now = System.currentTimeMillis();
        int tenant = random.nextInt(TENANTS);
        int prompt = 1 + random.nextInt(4000);
        return JobRecord.newBuilder()
                .setFinished(JobFinished.newBuilder()
                        .setJobId(JobId.create(now, random).toString())
                        .setOutcome(JobOutcome.JOB_OUTCOME_SUCCEEDED)
                        .setUsage(Usage.newBuilder()
                                .setPromptTokens(prompt)
                                .setCachedTokens(random.nextInt(prompt))
                                .setCompletionTokens(1 + random.nextInt(1000)))
                        .setTenantId("bench-" + tenant)
                        .setProjectId("project-" + random.nextInt(2))
                        .setApiKeyId("key_" + tenant + "_" + random.nextInt(4))
                        .setModel(MODEL)
                        .setAttempts(1)
                        .setFinishReason("stop")
                        .setDecisionId("01900000-0000-7000-8000-00000000000" + random.nextInt(10))
                        .setSubmittedAtMs(now)
                        .setFinishedAtMs(now + 2000))
                .build();
    }

    /** A month's sums by model, each of another tenant, as that tenant's request reads them. */
    private void month(PrintWriter out, Handle session) {
        Instant first = Instant.now().truncatedTo(ChronoUnit.DAYS).minus(31, ChronoUnit.DAYS);
        long filled = session.inTransaction(h -> (long) h.createUpdate("""
                        INSERT INTO usage_day SELECT 'month-' || t, :first + d * interval '1 day', 'project-' || p,
                            'key_' || k, 'model-' || m, 100, 1, 100000, 20000, 50000, 0.05
                        FROM generate_series(1, :tenants) t, generate_series(0, 30) d, generate_series(1, 2) p,
                            generate_series(1, 5) k, generate_series(1, 4) m""")
                .bind("first", first.atOffset(java.time.ZoneOffset.UTC))
                .bind("tenants", tenants)
                .execute());
        try (Handle owner = jdbi("owner").open()) {
            owner.execute("VACUUM ANALYZE usage_day");
        }
        UsageQuery query = new UsageQuery(first, first.plus(31, ChronoUnit.DAYS), null, Set.of(UsageQuery.Group.MODEL));
        try (Handle tenant = jdbi("tenant").open()) {
            LongUnaryOperator one = number -> {
                String id = "month-" + (1 + number % tenants);
                long begin = System.nanoTime();
                int read = tenant.inTransaction(h -> {
                    h.execute("SELECT set_config('app.tenant', ?, true)", id);
                    return UsageStore.sums(h, id, query).size();
                });
                if (read != 4) {
                    throw new IllegalStateException(id + " has " + read + " sums and not one a model");
                }
                return System.nanoTime() - begin;
            };
            for (int i = 0; i < 200; i++) {
                var unused = one.applyAsLong(i);
            }
            long[] nanos = new long[1000];
            for (int i = 0; i < nanos.length; i++) {
                nanos[i] = one.applyAsLong(random.nextInt(tenants));
            }
            Arrays.sort(nanos);
            out.printf(
                    Locale.ROOT,
                    "A tenant's month by model, of %,d rows of rollups: p50 %.2f ms, p99 %.2f ms%n",
                    filled,
                    nanos[nanos.length / 2] / 1e6,
                    nanos[nanos.length * 99 / 100] / 1e6);
        }
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

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
