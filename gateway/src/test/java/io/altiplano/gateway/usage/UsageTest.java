package io.altiplano.gateway.usage;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseGranted;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.db.DatabaseUnavailableException;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.price.TokenCounts;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Metrics;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.DoublePredicate;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class UsageTest {
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(20);
    private static final Duration POLL = Duration.ofMillis(5);
    private static final Random RANDOM = new Random(11);

    private static Producer<String, byte[]> scheduler;

    private record Total(String tenant, String model, long requests, long promptTokens, long completionTokens) {}

    @Inject
    Db db;

    @Inject
    Ledger ledger;

    /** Over all topics. */
    private static final String BURIED = "altiplano_dead_letters_total";

    @Inject
    PriceBook prices;

    @BeforeAll
    static void connect() {
        scheduler = new KafkaProducer<>(
                GatewayTestResource.get().kafka("scheduler").producer(),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    @AfterAll
    static void disconnect() {
        scheduler.close();
    }

    @Test
    void aFinishedJobIsShownWithinASecond() throws Exception {
        String tenant = newTenant("metered", "community");
        // The group may still be forming: a first job shows that it has.
        send(finished(tenant, 1, 1).build());
        await(tenant, 1);

        send(finished(tenant, 20, 300).build());
        long sent = System.nanoTime();
        await(tenant, 2);

        assertThat(Duration.ofNanos(System.nanoTime() - sent)).isLessThan(Duration.ofSeconds(1));
        as("admin")
                .get("/admin/v1/usage?tenant=" + tenant)
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body(
                        "data",
                        equalTo(List.of(Map.of(
                                "tenant", tenant,
                                "model", "llama-3.1-starter",
                                "requests", 2,
                                "failed", 0,
                                "prompt_tokens", 21,
                                "cached_tokens", 0,
                                "completion_tokens", 301,
                                "cost", cost(tenant, 21, 301)))));
    }

    @Test
    void succeededAndCancelledJobsAreBilledAndFailedOnesAreNot() throws Exception {
        String tenant = newTenant("outcomes", "community");
        send(finished(tenant, 10, 5).setOutcome(JobOutcome.JOB_OUTCOME_FAILED).build());
        send(finished(tenant, 10, 3)
                .setOutcome(JobOutcome.JOB_OUTCOME_CANCELLED)
                .build());
        send(finished(tenant, 10, 7).build());

        Total total = await(tenant, 2);

        assertThat(total).isEqualTo(new Total(tenant, "llama-3.1-starter", 2, 20, 10));
        assertThat(entries(tenant)).hasSize(3);
    }

    @Test
    void aRecordGivenTwiceIsBilledOnce() throws Exception {
        String tenant = newTenant("doubled", "community");
        JobFinished job = finished(tenant, 4, 6).build();
        send(job);
        send(job);
        send(finished(tenant, 1, 1).build());

        Total total = await(tenant, 2);

        assertThat(total).isEqualTo(new Total(tenant, "llama-3.1-starter", 2, 5, 7));
    }

    @Test
    void aPoisonRecordIsBuriedWithItsPlaceAndHoldsNothingUp() throws Exception {
        String tenant = newTenant("poison", "community");
        double before = Metrics.sum(BURIED);
        RecordMetadata garbage = sendBytes(new byte[] {9, 9, 9});
        RecordMetadata noTenant = send(finished("", 1, 1).build());
        RecordMetadata ancient = send(finished(tenant, 1, 1)
                .setJobId(JobId.create(Instant.parse("2001-01-01T00:00:00Z").toEpochMilli(), RANDOM)
                        .toString())
                .build());
        RecordMetadata negative = send(finished(tenant, -5, 1).build());
        RecordMetadata endless = send(finished(tenant, Long.MAX_VALUE, Long.MAX_VALUE)
                .setAdapter("any")
                .build());
        send(JobRecord.newBuilder()
                .setGranted(LeaseGranted.newBuilder().setJobId("x"))
                .build());
        send(finished(tenant, 2, 2).build());

        Total total = await(tenant, 1);

        assertThat(total).isEqualTo(new Total(tenant, "llama-3.1-starter", 1, 2, 2));
        assertThat(List.of(garbage, noTenant, ancient, negative, endless))
                .allSatisfy(record -> assertThat(buried(record))
                        .as("offset %d", record.offset())
                        .isNotEmpty());
        double all = before + 5;
        awaitMetric(BURIED, now -> now >= all);
        assertThat(Metrics.sum(BURIED)).isEqualTo(all);
    }

    @Test
    void readAgainFromTheBeginningTheLedgerStaysByteForByte() throws Exception {
        String tenant = newTenant("replay", "community");
        for (int i = 1; i <= 20; i++) {
            send(finished(tenant, i, i).build());
        }
        await(tenant, 20);
        List<String> before = everything();

        // As after a restore of an old backup of the offsets: every partition begins again.
        db.ledger(handle -> handle.execute("UPDATE ingest_offset SET next_offset = 0"));
        send(finished(tenant, 1, 1).build());
        await(tenant, 21);

        List<String> after = everything();
        assertThat(after).hasSize(before.size() + 1).containsAll(before);
    }

    @Test
    void whileTheDatabaseIsAwayJobsWaitAndNoneIsLost() throws Exception {
        String tenant = newTenant("outage", "community");
        send(finished(tenant, 1, 1).build());
        await(tenant, 1);

        assertThat(Metrics.sum("altiplano_ledger_partitions_waiting")).isZero();
        GatewayTestResource.get().postgresWire().cut();
        try {
            for (int i = 0; i < 5; i++) {
                send(finished(tenant, 1, 1).build());
            }
            awaitMetric("altiplano_ledger_partitions_waiting", waiting -> waiting > 0);
            awaitMetric("altiplano_ledger_lag", lag -> lag >= 5);
            for (int i = 0; i < 3; i++) {
                send(finished(tenant, 1, 1).build());
            }
            awaitMetric("altiplano_ledger_lag", lag -> lag >= 8);
        } finally {
            GatewayTestResource.get().postgresWire().heal();
        }

        Total total = await(tenant, 9);
        assertThat(total.promptTokens()).isEqualTo(9);
        awaitMetric("altiplano_ledger_partitions_waiting", waiting -> waiting == 0);
        awaitMetric("altiplano_ledger_lag", lag -> lag == 0);
    }

    private static void awaitMetric(String name, DoublePredicate is) throws InterruptedException {
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (!is.test(Metrics.sum(name))) {
            assertThat(System.nanoTime()).as(name).isLessThan(end);
            Thread.sleep(50);
        }
    }

    @Test
    void aBatchThatAnotherGatewayHasPostedIsNotPostedAgain() {
        String tenant = newTenant("overtaken", "community");
        LedgerEntry entry = LedgerEntry.of(finished(tenant, 3, 4).build());
        Batch batch = new Batch("elsewhere", 0, ledger.nextOffset("elsewhere", 0), 1, 0, List.of(entry), List.of());

        Ledger.Posted first = ledger.post(batch);
        Ledger.Posted second = ledger.post(batch);

        assertThat(first).isEqualTo(Ledger.Posted.YES);
        assertThat(second).isEqualTo(Ledger.Posted.OVERTAKEN);
        assertThat(totals(tenant)).containsExactly(new Total(tenant, "llama-3.1-starter", 1, 3, 4));
    }

    @Test
    void theGenerationIsKeptForTheOffsetToWhichItWasPosted() {
        // given
        ledger.post(new Batch("kept", 0, ledger.nextOffset("kept", 0), 5, 7, List.of(), List.of()));

        // when
        LedgerStore.Place posted = ledger.place("kept", 0);
        db.ledger(handle -> handle.execute("UPDATE ingest_offset SET next_offset = 3 WHERE topic = 'kept'"));
        LedgerStore.Place setBack = ledger.place("kept", 0);

        // then
        assertThat(posted).isEqualTo(new LedgerStore.Place(5, 7));
        assertThat(setBack).isEqualTo(new LedgerStore.Place(3, 0));
    }

    @Test
    void aTenantSeesItsOwnUsageAloneByItsMembersAndItsKeys() {
        String mine = newTenant("mine", "community");
        String other = newTenant("others", "community");
        join(mine, mine + "-viewer", "viewer");
        List<LedgerEntry> entries = List.of(
                LedgerEntry.of(finished(mine, 3, 4).build()),
                LedgerEntry.of(finished(other, 5, 6).build()));
        ledger.post(new Batch("own", 0, ledger.nextOffset("own", 0), 2, 0, entries, List.of()));

        var byMember = person(mine + "-viewer").get("/v1/organization/usage");
        var byKey =
                given().header("Authorization", "Bearer " + newKey(mine).text()).get("/v1/usage");
        var byName = person(mine + "-viewer").get("/admin/v1/usage?tenant=" + mine);

        for (var answer : List.of(byMember, byKey)) {
            answer.then()
                    .statusCode(200)
                    .body("data.tenant", equalTo(List.of(mine)))
                    .body("data[0].prompt_tokens", equalTo(3));
        }
        byName.then().statusCode(403);
        as("officer-a").get("/admin/v1/usage").then().statusCode(403);
    }

    private String cost(String tenant, long prompt, long completion) {
        return prices.at(Instant.now())
                .of(tenant, "llama-3.1-starter")
                .cost(TokenCounts.of(prompt, completion))
                .total()
                .toPlainString();
    }

    private static JobFinished.Builder finished(String tenant, long promptTokens, long completionTokens) {
        long now = System.currentTimeMillis();
        return JobFinished.newBuilder()
                .setJobId(JobId.create(now, RANDOM).toString())
                .setOutcome(JobOutcome.JOB_OUTCOME_SUCCEEDED)
                .setUsage(Usage.newBuilder().setPromptTokens(promptTokens).setCompletionTokens(completionTokens))
                .setTenantId(tenant)
                .setProjectId("default")
                .setApiKeyId("key_test")
                .setModel("llama-3.1-starter")
                .setAttempts(1)
                .setSubmittedAtMs(now)
                .setFinishedAtMs(now);
    }

    private static RecordMetadata send(JobFinished job) throws ExecutionException, InterruptedException {
        return send(JobRecord.newBuilder().setFinished(job).build());
    }

    private static RecordMetadata send(JobRecord record) throws ExecutionException, InterruptedException {
        return sendBytes(Topics.JOB.encode(record));
    }

    private static RecordMetadata sendBytes(byte[] value) throws ExecutionException, InterruptedException {
        String jobs = GatewayTestResource.get().topics().jobs();
        return scheduler.send(new ProducerRecord<>(jobs, "default", value)).get();
    }

    /** The tenant's total once it counts so many requests. */
    private Total await(String tenant, long requests) {
        long begin = System.nanoTime();
        while (true) {
            List<Total> totals = totals(tenant);
            if (!totals.isEmpty() && totals.getFirst().requests() >= requests) {
                return totals.getFirst();
            }
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("waiting for %d requests of %s, seen %s", requests, tenant, totals)
                    .isLessThan(LONG_ENOUGH);
            LockSupport.parkNanos(POLL.toNanos());
        }
    }

    /** The sums, or none while the database is away. */
    private List<Total> totals(String tenant) {
        try {
            return ledger.usage(tenant, UsageQuery.BY_MODEL).stream()
                    .map(r -> new Total(
                            r.tenant(),
                            String.valueOf(r.model()),
                            r.requests(),
                            r.promptTokens(),
                            r.completionTokens()))
                    .toList();
        } catch (DatabaseUnavailableException e) {
            return List.of();
        }
    }

    private List<String> entries(String tenant) {
        return db.tenant(
                tenant,
                handle -> handle.createQuery("SELECT e::text FROM ledger_entry e")
                        .mapTo(String.class)
                        .list());
    }

    private List<String> everything() {
        return db.ledger(handle -> handle.createQuery("SELECT e::text FROM ledger_entry e ORDER BY 1")
                .mapTo(String.class)
                .list());
    }

    private List<String> buried(RecordMetadata record) {
        return db.ledger(handle -> handle.createQuery(
                        "SELECT reason FROM dead_letter WHERE topic = :t AND partition = :p AND record_offset = :o")
                .bind("t", record.topic())
                .bind("p", record.partition())
                .bind("o", record.offset())
                .mapTo(String.class)
                .list());
    }
}
