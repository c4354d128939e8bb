package io.altiplano.gateway.usage;

import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.JobId;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Partitions that are posted at once meet in the same rollups, and may hold the same jobs: nothing is lost or counted twice. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class PostersTest {
    private static final int PARTITIONS = Posters.MOST;
    private static final int JOBS = 300;

    private final Random random = new Random();

    @Inject
    Db db;

    @Inject
    Ledger ledger;

    @Test
    void partitionsThatMeetInEveryRollupAddUp() {
        String tenant = newTenant("side-by-side", "community");
        List<Callable<Ledger.Posted>> postings = new ArrayList<>();
        for (int i = 0; i < 3 * PARTITIONS; i++) {
            postings.add(posting("meeting" + random.nextInt(), jobs(tenant)));
        }

        List<Ledger.Posted> posted = all(postings);

        assertThat(posted).hasSize(3 * PARTITIONS).containsOnly(Ledger.Posted.YES);
        assertThat(entries(tenant)).isEqualTo(3L * PARTITIONS * JOBS);
        assertThat(counted(tenant))
                .containsExactly(3L * PARTITIONS * JOBS, 3L * PARTITIONS * JOBS, 3L * PARTITIONS * JOBS);
    }

    @Test
    void theSameJobsOnPartitionsThatArePostedAtOnceAreBilledOnce() {
        String tenant = newTenant("twice-at-once", "community");
        List<LedgerEntry> jobs = jobs(tenant);
        List<Callable<Ledger.Posted>> postings = new ArrayList<>();
        for (int i = 0; i < PARTITIONS; i++) {
            List<LedgerEntry> shuffled = new ArrayList<>(jobs);
            Collections.shuffle(shuffled, random);
            shuffled.addAll(jobs(tenant));
            postings.add(posting("doubling" + random.nextInt(), shuffled));
        }

        List<Ledger.Posted> posted = all(postings);

        long once = (PARTITIONS + 1L) * JOBS;
        assertThat(posted).containsOnly(Ledger.Posted.YES);
        assertThat(entries(tenant)).isEqualTo(once);
        assertThat(counted(tenant)).containsExactly(once, once, once);
    }

    @Test
    void whatOneThrowsIsThrownWhenAllHaveEnded() {
        AtomicInteger ended = new AtomicInteger();
        List<Callable<Integer>> tasks = List.of(
                () -> {
                    throw new IllegalStateException("the first");
                },
                () -> {
                    Thread.sleep(200);
                    return ended.incrementAndGet();
                });

        try (Posters posters = new Posters()) {
            assertThatThrownBy(() -> posters.all(tasks)).hasMessage("the first");
        }

        assertThat(ended).hasValue(1);
    }

    private static List<Ledger.Posted> all(List<Callable<Ledger.Posted>> postings) {
        try (Posters posters = new Posters()) {
            return posters.all(postings);
        }
    }

    private Callable<Ledger.Posted> posting(String topic, List<LedgerEntry> jobs) {
        return () -> ledger.post(new Batch(topic, 0, ledger.nextOffset(topic, 0), jobs.size(), 0, jobs, List.of()));
    }

    /** Jobs of 40 rollups, in any order. */
    private List<LedgerEntry> jobs(String tenant) {
        List<LedgerEntry> jobs = new ArrayList<>();
        Instant now = Instant.now();
        for (int i = 0; i < JOBS; i++) {
            jobs.add(new LedgerEntry(
                    JobId.create(now.toEpochMilli(), random).value(),
                    Instant.ofEpochMilli(now.toEpochMilli()),
                    tenant,
                    "project-" + random.nextInt(10),
                    "key-" + random.nextInt(4),
                    "model",
                    "",
                    "INTERACTIVE",
                    "SUCCEEDED",
                    1,
                    1,
                    0,
                    1,
                    "",
                    now));
        }
        return jobs;
    }

    private long entries(String tenant) {
        return one("SELECT count(*) FROM ledger_entry WHERE tenant_id = '" + tenant + "'");
    }

    /** Requests by hour, by day and by month, where the tokens agree with them. */
    private List<Long> counted(String tenant) {
        return List.of("hour", "day", "month").stream()
                .map(span -> one("SELECT sum(requests)::bigint FROM usage_" + span + " WHERE tenant_id = '" + tenant
                        + "' AND completion_tokens = requests"))
                .toList();
    }

    private long one(String sql) {
        return db.ledger(handle -> handle.createQuery(sql).mapTo(Long.class).one());
    }
}
