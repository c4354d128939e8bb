package io.altiplano.gateway.usage;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.KafkaConfig;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.PriceList;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ledger is a function of its log: however that arrives, and when it is replayed, it comes out byte for byte. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LedgerRebuildTest {
    private static final int PARTITIONS = 3;
    private static final List<String> ROLES = List.of("owner", "tenant", "auth", "ledger", "operator");

    private GatewayTestResource resource;
    private String database = "";

    @BeforeEach
    void anEmptyLedger() throws SQLException {
        resource = GatewayTestResource.get();
        database = "rebuild" + Math.abs(new Random().nextInt());
        execute(
                "postgres",
                "CREATE DATABASE \"" + database + "\" OWNER \"" + resource.role("owner") + "\" TEMPLATE template0");
        Map<String, String> placeholders = new HashMap<>();
        ROLES.forEach(role -> placeholders.put(role + "_role", resource.role(role)));
        Flyway.configure()
                .dataSource(url(), resource.role("owner"), resource.password("owner"))
                .locations("classpath:db/migration")
                .placeholders(placeholders)
                .load()
                .migrate();
    }

    @AfterEach
    void drop() throws SQLException {
        execute("postgres", "DROP DATABASE \"" + database + "\" WITH (FORCE)");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void doubledReorderedReplayedAndCrashedItIsTheSameByteForByte(long seed) {
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log = log("jobs", seed, 120);

        Map<LedgerTable, List<String>> plain = inScratch(session -> inOrder(new ScratchLedger(session), log));
        Map<LedgerTable, List<String>> disturbed =
                inScratch(session -> disturbed(session, new ScratchLedger(session), log, new Random(seed)));

        assertThat(at(plain, LedgerTable.LEDGER_ENTRY)).hasSizeGreaterThan(100);
        assertThat(at(plain, LedgerTable.COST_LINE)).hasSizeGreaterThan(200);
        assertThat(at(plain, LedgerTable.DEAD_LETTER)).hasSizeGreaterThan(3);
        assertThat(disturbed).isEqualTo(plain);
    }

    @Test
    void withoutItsUniqueKeyWhatIsDoubledWouldShow() {
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log = log("jobs", 1, 120);

        Map<LedgerTable, List<String>> plain = inScratch(session -> inOrder(new ScratchLedger(session), log));
        Map<LedgerTable, List<String>> mutant = inScratch(session -> {
            ScratchLedger scratch = new ScratchLedger(session);
            session.execute("ALTER TABLE pg_temp.ledger_entry DROP CONSTRAINT ledger_entry_pkey");
            session.execute("ALTER TABLE pg_temp.cost_line DROP CONSTRAINT cost_line_pkey");
            disturbed(session, scratch, log, new Random(1));
        });

        assertThat(mutant.get(LedgerTable.LEDGER_ENTRY))
                .hasSizeGreaterThan(at(plain, LedgerTable.LEDGER_ENTRY).size());
        assertThat(mutant.get(LedgerTable.USAGE_DAY)).isNotEqualTo(plain.get(LedgerTable.USAGE_DAY));
    }

    @Test
    void theCommandRebuildsItFromKafkaAndFindsARowThatWasChanged() throws Exception {
        Topics topics = new Topics(database + "-");
        KafkaConfig admin = resource.kafka("admin");
        try (Admin kafka = Admin.create(admin.common())) {
            kafka.createTopics(List.of(new NewTopic(topics.jobs(), PARTITIONS, (short) 1)))
                    .all()
                    .get();
            Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log = log(topics.jobs(), 7, 200);
            send(log);
            // As a gateway does it: into the real, partitioned tables.
            try (Handle session = ledger().open()) {
                PriceList prices = PriceBook.read(session);
                log.forEach((partition, records) -> post(session, prices, partition, records));
            }

            correctOne();

            // As a gateway of before generations were kept leaves it.
            execute(database, "UPDATE ingest_offset SET generation = 9, generation_offset = 3");
            Run equal = rebuild(topics);
            execute(
                    database,
                    "SET session_replication_role = replica;"
                            + " UPDATE ledger_entry SET completion_tokens = completion_tokens + 1 WHERE job_id ="
                            + " (SELECT job_id FROM ledger_entry WHERE outcome <> 'FAILED' ORDER BY job_id LIMIT 1)");
            Run changed = rebuild(topics);

            assertThat(equal.text()).contains("byte for byte").doesNotContain("DIFFERS");
            assertThat(equal.code()).isZero();
            assertThat(changed.text()).contains("first difference: kept (").contains("is NOT what its log gives");
            assertThat(changed.code()).isEqualTo(1);
            kafka.deleteTopics(List.of(topics.jobs())).all().get();
        }
    }

    /** A person's entry, which is in no log. */
    private void correctOne() {
        Jdbi superuser = Jdbi.create(
                url(),
                resource.infra().get("postgres.superuser"),
                resource.infra().get("postgres.superuser.password"));
        superuser.useTransaction(h -> {
            h.execute("SELECT set_config('app.audited', 'yes', true)");
            Map<String, Object> one = h.createQuery("SELECT job_id, tenant_id, submitted_at FROM ledger_entry"
                            + " WHERE outcome = 'SUCCEEDED' LIMIT 1")
                    .mapToMap()
                    .one();
            CorrectionStore.Billed billed = CorrectionStore.billed(
                            h,
                            String.valueOf(one.get("tenant_id")),
                            java.util.UUID.fromString(String.valueOf(one.get("job_id"))),
                            ((java.sql.Timestamp) Objects.requireNonNull(one.get("submitted_at"))).toInstant())
                    .orElseThrow();
            LedgerEntry free = billed.entry().counting(0, 0, 0);
            CorrectionStore.insert(h, Correction.of(1, billed.entry(), free, PriceBook.read(h)));
        });
    }

    private record Run(int code, String text) {}

    private Run rebuild(Topics topics) {
        KafkaConfig kafka = resource.kafka("gateway");
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text, true);
        int code = LedgerCli.execute(
                out,
                out,
                Map.of(
                        "ALTIPLANO_DB_URL", url(),
                        "ALTIPLANO_DB_LEDGER_USERNAME", resource.role("ledger"),
                        "ALTIPLANO_DB_LEDGER_PASSWORD", resource.password("ledger"),
                        "ALTIPLANO_KAFKA_BOOTSTRAP", kafka.bootstrapServers(),
                        "ALTIPLANO_KAFKA_SECURITY", kafka.security(),
                        "ALTIPLANO_KAFKA_MECHANISM", kafka.mechanism(),
                        "ALTIPLANO_KAFKA_USERNAME", kafka.username(),
                        "ALTIPLANO_KAFKA_PASSWORD", kafka.password(),
                        "ALTIPLANO_TOPICS_PREFIX", topics.prefix()),
                "rebuild");
        return new Run(code, text.toString());
    }

    private void send(Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log) {
        try (KafkaProducer<byte[], byte[]> scheduler = new KafkaProducer<>(
                resource.kafka("admin").producer(), new ByteArraySerializer(), new ByteArraySerializer())) {
            log.values()
                    .forEach(records -> records.forEach(r -> scheduler.send(
                            new ProducerRecord<>(r.topic(), r.partition(), null, new byte[0], r.value()))));
        }
    }

    private static void post(
            Handle session, PriceList prices, TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) {
        session.useTransaction(h -> {
            LedgerStore.ensurePartition(h, Instant.now());
            long next = LedgerStore.nextOffset(h, partition.topic(), partition.partition());
            assertThat(Ledger.write(h, Batches.of(partition, next, records), prices)
                            .posted())
                    .isEqualTo(Ledger.Posted.YES);
        });
    }

    private interface Filling {
        void fill(Handle session);
    }

    /** All rows of a ledger that lives in one session. */
    private Map<LedgerTable, List<String>> inScratch(Filling filling) {
        try (Handle session = ledger().open()) {
            filling.fill(session);
            Map<LedgerTable, List<String>> rows = new HashMap<>();
            for (LedgerTable table : LedgerTable.values()) {
                String sql = table.rows("pg_temp");
                var query = session.createQuery(sql);
                if (sql.contains(":topic")) {
                    query.bind("topic", "jobs");
                }
                rows.put(table, query.mapTo(String.class).list());
            }
            return rows;
        }
    }

    private static void inOrder(ScratchLedger scratch, Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log) {
        log.forEach((partition, records) -> scratch.post(partition, scratch.nextOffset(partition), records));
    }

    /** Partitions in any order, batches of any size, some twice, some rolled back, and once all offsets back to 0. */
    private static void disturbed(
            Handle session,
            ScratchLedger scratch,
            Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log,
            Random random) {
        PriceList prices = PriceBook.read(session);
        boolean replayed = false;
        while (true) {
            List<TopicPartition> open = log.keySet().stream()
                    .filter(p -> scratch.nextOffset(p) < at(log, p).size())
                    .toList();
            if (open.isEmpty()) {
                if (replayed) {
                    return;
                }
                replayed = true;
                session.execute("UPDATE ingest_offset SET next_offset = 0");
                continue;
            }
            TopicPartition partition = open.get(random.nextInt(open.size()));
            int from = (int) scratch.nextOffset(partition);
            List<ConsumerRecord<byte[], byte[]>> all = at(log, partition);
            List<ConsumerRecord<byte[], byte[]>> some =
                    all.subList(from, Math.min(all.size(), from + 1 + random.nextInt(25)));
            switch (random.nextInt(4)) {
                case 0 -> {
                    // A crash before the commit.
                    session.begin();
                    Ledger.write(session, Batches.of(partition, from, some), prices);
                    session.rollback();
                }
                case 1 -> {
                    // A commit whose acknowledgement was lost: the same batch again.
                    scratch.post(partition, from, some);
                    assertThat(scratch.post(partition, from, some)).isEqualTo(from + some.size());
                }
                default -> scratch.post(partition, from, some);
            }
        }
    }

    /** A log with all outcomes, jobs that are told twice, differently too, and records that cannot be posted. */
    private static Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log(String topic, long seed, int jobs) {
        Random random = new Random(seed);
        long now = System.currentTimeMillis();
        Map<TopicPartition, List<byte[]>> values = new HashMap<>();
        for (int p = 0; p < PARTITIONS; p++) {
            values.put(new TopicPartition(topic, p), new ArrayList<>());
        }
        for (int i = 0; i < jobs; i++) {
            List<byte[]> to = at(values, new TopicPartition(topic, random.nextInt(PARTITIONS)));
            JobFinished job = job(now - random.nextInt(100_000), random);
            to.add(record(job));
            if (random.nextInt(4) == 0) {
                to.add(record(job));
            }
            if (random.nextInt(8) == 0) {
                to.add(record(job.toBuilder()
                        .setUsage(Usage.newBuilder().setPromptTokens(9999).setCompletionTokens(9999))
                        .build()));
            }
            if (i % 20 == 0) {
                to.add(new byte[] {9, 9, 9});
                to.add(record(job.toBuilder().setTenantId("").build()));
            }
        }
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> log = new HashMap<>();
        values.forEach((partition, list) -> {
            List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
            for (byte[] value : list) {
                records.add(new ConsumerRecord<>(topic, partition.partition(), records.size(), new byte[0], value));
            }
            log.put(partition, records);
        });
        return log;
    }

    private static JobFinished job(long at, Random random) {
        JobOutcome[] outcomes = {
            JobOutcome.JOB_OUTCOME_SUCCEEDED,
            JobOutcome.JOB_OUTCOME_SUCCEEDED,
            JobOutcome.JOB_OUTCOME_CANCELLED,
            JobOutcome.JOB_OUTCOME_FAILED
        };
        int prompt = 1 + random.nextInt(500);
        return JobFinished.newBuilder()
                .setJobId(JobId.create(at, random).toString())
                .setOutcome(outcomes[random.nextInt(outcomes.length)])
                .setUsage(Usage.newBuilder()
                        .setPromptTokens(prompt)
                        .setCachedTokens(random.nextInt(prompt))
                        .setCompletionTokens(random.nextInt(300)))
                .setTenantId("tenant-" + random.nextInt(3) + (random.nextInt(5) == 0 ? "\\\t\n" : ""))
                .setProjectId("default")
                .setApiKeyId("key_" + random.nextInt(3))
                .setModel("model-" + random.nextInt(2))
                .setAdapter(random.nextInt(3) == 0 ? "adapter" : "")
                .setJobClass(random.nextInt(4) == 0 ? JobClass.JOB_CLASS_BATCH : JobClass.JOB_CLASS_INTERACTIVE)
                .setAttempts(1)
                .setSubmittedAtMs(at)
                .setFinishedAtMs(at + 100)
                .build();
    }

    private static byte[] record(JobFinished job) {
        return Topics.JOB.encode(JobRecord.newBuilder().setFinished(job).build());
    }

    private static <K, V> V at(Map<K, V> map, K key) {
        return Objects.requireNonNull(map.get(key));
    }

    private Jdbi ledger() {
        return Jdbi.create(url(), resource.role("ledger"), resource.password("ledger"));
    }

    private String url() {
        return "jdbc:postgresql://" + resource.infra().get("postgres.host") + ":"
                + resource.infra().get("postgres.port") + "/" + database;
    }

    private void execute(String in, String sql) throws SQLException {
        try (Connection superuser = java.sql.DriverManager.getConnection(
                        url().replace(database, in),
                        resource.infra().get("postgres.superuser"),
                        resource.infra().get("postgres.superuser.password"));
                var statement = superuser.createStatement()) {
            statement.execute(sql);
        }
    }
}
