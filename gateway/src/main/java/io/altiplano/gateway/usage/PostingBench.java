package io.altiplano.gateway.usage;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.entitlement.Settlement;
import io.altiplano.gateway.price.Cost;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import java.io.PrintWriter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.jdbi.v3.core.Handle;

/**
 * Measures posting, from encoded records to the commit, by the statements that a gateway posts with. Each way in every round, so
 * that they share whatever else the machine does; processor time beside the clock, because it does not grow with what others do.
 */
final class PostingBench {
    private static final int TENANTS = 200;
    private static final String MODEL = "model-of-pool-";

    private final List<Handle> sessions;
    private final Handle session;
    private final Handle owner;
    private final Handle operator;
    private final int rounds;
    private final int rows;
    private final int batch;
    private final PriceList prices;
    private final Settlement settlement = new Settlement();
    private final Random random = new Random(1);
    private final Map<TopicPartition, Long> next = new HashMap<>();

    /** What is written of a batch. */
    private enum Way {
        COPY("bare COPY of the entries, unlogged"),
        USAGE("usage rows: entry, rollups, offset"),
        COSTS("with cost lines, three a job"),
        SETTLED("and the end of each job's reservation");

        private final String text;

        Way(String text) {
            this.text = text;
        }
    }

    /**
     * What a round of a way took a row.
     *
     * @param rate rows a second by the clock
     * @param gateway microseconds of this process's processor time
     * @param database microseconds of the session's server process; NaN where it runs on another machine
     * @param wal bytes of write-ahead log
     */
    private record Measured(double rate, double gateway, double database, double wal) {}

    /**
     * @param sessions of the ledger's role, on an empty ledger: so many partitions are posted at once, after one alone
     * @param owner of the tables
     * @param operator may make tenants
     * @param rounds of which the first is a warm-up and not counted
     * @param rows a round and way
     * @param batch rows a transaction
     */
    PostingBench(List<Handle> sessions, Handle owner, Handle operator, int rounds, int rows, int batch) {
        this.sessions = sessions;
        this.session = sessions.getFirst();
        this.owner = owner;
        this.operator = operator;
        this.rounds = rounds;
        this.rows = rows;
        this.batch = batch;
        this.prices = PriceBook.read(session);
    }

    /** Measures and prints. */
    void run(PrintWriter out) {
        session.useTransaction(h -> LedgerStore.ensurePartition(h, Instant.now()));
        makeTenants();
        Map<Integer, Map<Way, List<Measured>>> measured = new TreeMap<>();
        try (Posters posters = new Posters()) {
            for (int round = 0; round < rounds; round++) {
                for (int partitions : new TreeSet<>(List.of(1, sessions.size()))) {
                    for (Way way : Way.values()) {
                        Measured one = measure(way, partitions, posters);
                        if (round > 0) {
                            measured.computeIfAbsent(partitions, p -> new EnumMap<>(Way.class))
                                    .computeIfAbsent(way, w -> new ArrayList<>())
                                    .add(one);
                        }
                    }
                }
            }
        }
        measured.forEach((partitions, ways) -> {
            out.printf(
                    Locale.ROOT,
                    "One gateway posts %,d rows of %d tenants in transactions of %,d, %s; medians of %d rounds:%n",
                    rows,
                    TENANTS,
                    batch,
                    partitions == 1 ? "of one partition" : "of " + partitions + " partitions at once",
                    rounds - 1);
            out.printf(
                    Locale.ROOT,
                    "  %-42s %8s %19s %6s %9s %11s %12s %10s%n",
                    "processor time in us a row",
                    "rows/s",
                    "range",
                    "/COPY",
                    "gateway",
                    "PostgreSQL",
                    "rows/s/core",
                    "WAL bytes");
            double floor = median(Objects.requireNonNull(ways.get(Way.COPY)), Measured::rate);
            ways.forEach((way, all) -> print(out, way, all, floor));
        });
    }

    private static void print(PrintWriter out, Way way, List<Measured> all, double floor) {
        double rate = median(all, Measured::rate);
        double gateway = median(all, Measured::gateway);
        double database = median(all, Measured::database);
        out.printf(
                Locale.ROOT,
                "  %-42s %,8.0f %19s %6.2f %9.1f %11s %12s %10.0f%n",
                way.text,
                rate,
                String.format(
                        Locale.ROOT,
                        "%,.0f to %,.0f",
                        all.stream().mapToDouble(Measured::rate).min().orElse(0),
                        all.stream().mapToDouble(Measured::rate).max().orElse(0)),
                rate / floor,
                gateway,
                Double.isNaN(database) ? "elsewhere" : String.format(Locale.ROOT, "%.1f", database),
                Double.isNaN(database) ? "" : String.format(Locale.ROOT, "%,.0f", 1e6 / (gateway + database)),
                median(all, Measured::wal));
    }

    private Measured measure(Way way, int partitions, Posters posters) {
        List<Callable<Integer>> postings = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) {
            Handle own = sessions.get(partition);
            List<List<ConsumerRecord<byte[], byte[]>>> batches = records(way, partition, rows / partitions);
            if (way == Way.SETTLED) {
                batches.forEach(this::reserve);
            }
            postings.add(() -> {
                batches.forEach(records -> write(own, way, records));
                return batches.size();
            });
        }
        long wal = wal();
        long[] database = sessions.stream().mapToLong(ProcessorTime::of).toArray();
        long gateway = ProcessorTime.own();
        long begin = System.nanoTime();
        var unused = posters.all(postings);
        double nanos = System.nanoTime() - begin;
        double own = ProcessorTime.own() - gateway;
        double theirs = 0;
        for (int i = 0; i < database.length; i++) {
            theirs += database[i] < 0 ? Double.NaN : ProcessorTime.of(sessions.get(i)) - database[i];
        }
        return new Measured(rows / (nanos / 1e9), own / 1e3 / rows, theirs / 1e3 / rows, (double) (wal() - wal) / rows);
    }

    private void write(Handle own, Way way, List<ConsumerRecord<byte[], byte[]>> records) {
        ConsumerRecord<byte[], byte[]> first = records.getFirst();
        Batch posting = Batches.of(new TopicPartition(first.topic(), first.partition()), first.offset(), records);
        own.useTransaction(h -> {
            switch (way) {
                case COPY -> LedgerStore.stage(h, free(posting));
                case USAGE -> {
                    require(LedgerStore.advance(h, posting));
                    require(LedgerStore.post(h, free(posting)).isEmpty());
                }
                case COSTS -> require(Ledger.write(h, posting, prices).fresh().size() == records.size());
                case SETTLED -> {
                    List<CostedEntry> fresh = Ledger.write(h, posting, prices).fresh();
                    require(fresh.size() == records.size());
                    require(settlement.settle(h, Ledger.used(fresh)).isEmpty());
                }
            }
        });
    }

    private static List<CostedEntry> free(Batch posting) {
        return posting.entries().stream()
                .map(entry -> new CostedEntry(entry, Cost.NONE))
                .toList();
    }

    private static void require(boolean asExpected) {
        if (!asExpected) {
            throw new IllegalStateException("somebody else posts to this database");
        }
    }

    /** Encoded jobs of a way, as they come from Kafka: its own topic, offsets going on from the last call. */
    private List<List<ConsumerRecord<byte[], byte[]>>> records(Way way, int partition, int count) {
        TopicPartition from = new TopicPartition("bench " + way, partition);
        long offset = next.computeIfAbsent(
                from, p -> session.inTransaction(h -> LedgerStore.nextOffset(h, p.topic(), p.partition())));
        List<List<ConsumerRecord<byte[], byte[]>>> all = new ArrayList<>();
        for (int begin = 0; begin < count; begin += batch) {
            List<ConsumerRecord<byte[], byte[]>> one = new ArrayList<>();
            for (int i = begin; i < Math.min(count, begin + batch); i++) {
                one.add(new ConsumerRecord<>(
                        from.topic(), partition, offset++, new byte[0], Topics.JOB.encode(job(partition))));
            }
            all.add(one);
        }
        next.put(from, offset);
        return all;
    }

    /** A partition is a pool's, which has its models, and all tenants. */
    private JobRecord job(int partition) {
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
                        .setModel(MODEL + partition)
                        .setAttempts(1)
                        .setFinishReason("stop")
                        .setDecisionId("01900000-0000-7000-8000-00000000000" + random.nextInt(10))
                        .setSubmittedAtMs(now)
                        .setFinishedAtMs(now + 2000))
                .build();
    }

    private void makeTenants() {
        operator.useTransaction(h -> {
            h.execute("SELECT set_config('app.audited', 'yes', true)");
            h.execute(
                    "INSERT INTO tenant (id, name, tier, cache_salt) SELECT 'bench-' || t, 'Bench', 'COMMUNITY',"
                            + " repeat('0', 64) FROM generate_series(0, ?) t",
                    TENANTS - 1);
        });
        owner.useTransaction(h -> h.execute(
                "INSERT INTO limit_use (tenant_id, project_id, day, month, tokens_per_day,"
                        + " tokens_per_month, budget_per_month)"
                        + " SELECT 'bench-' || t, p, current_date, date_trunc('month', current_date), 1e12, 1e12, 1e12"
                        + " FROM generate_series(0, ?) t, unnest(ARRAY['', 'project-0', 'project-1']) p",
                TENANTS - 1));
    }

    /** What admission leaves of these jobs: a reservation each, counted with its tenant and its project. */
    private void reserve(List<ConsumerRecord<byte[], byte[]>> records) {
        List<LedgerEntry> entries =
                Batches.of(new TopicPartition("unused", 0), 0, records).entries();
        owner.useTransaction(h -> {
            h.execute(
                    "CREATE TEMPORARY TABLE IF NOT EXISTS asked (job_id uuid, tenant_id text, project_id text) ON COMMIT DELETE ROWS");
            CopyRows asked = new CopyRows(entries.size() * 64);
            entries.forEach(e -> asked.row(3).uuid(e.jobId()).text(e.tenantId()).text(e.projectId()));
            LedgerStore.copy(h, asked, "asked");
            h.execute("""
                    INSERT INTO reservation (job_id, tenant_id, project_id, admitted_at, expires_at, day, month, tokens, price,
                        tenant_rate, project_rate)
                    SELECT job_id, tenant_id, project_id, now(), now() + interval '15 minutes', current_date,
                        date_trunc('month', current_date), 6000, 0.01, interval '1 second', interval '1 second' FROM asked""");
            h.execute("""
                    UPDATE limit_use u SET running = running + n, day_held = day_held + 6000 * n, month_held = month_held + 6000 * n,
                        spent_held = spent_held + 0.01 * n
                    FROM (SELECT tenant_id, s.project_id, count(*) AS n FROM asked a,
                        LATERAL (VALUES (''), (a.project_id)) s (project_id) GROUP BY 1, 2) a
                    WHERE u.tenant_id = a.tenant_id AND u.project_id = a.project_id""");
        });
    }

    private long wal() {
        return session.createQuery("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
                .mapTo(Long.class)
                .one();
    }

    private static double median(List<Measured> all, ToDoubleFunction<Measured> value) {
        double[] sorted = all.stream().mapToDouble(value).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
