package io.altiplano.gateway.usage;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.AdminApi.newKey;
import static io.altiplano.gateway.testing.AdminApi.newTenant;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.contracts.JobId;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.db.Db;
import io.altiplano.gateway.price.PriceBook;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import jakarta.inject.Inject;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LedgerCostTest {
    private static final Random RANDOM = new Random(17);
    private static final Instant HOUR = Instant.now().truncatedTo(ChronoUnit.HOURS);

    @Inject
    Db db;

    @Inject
    Ledger ledger;

    @Inject
    PriceBook prices;

    @Inject
    MonthsAhead monthsAhead;

    @BeforeEach
    void aModelIsServed() {
        Served.model();
    }

    @Test
    void aJobCostsWhatItsPriceWasWhenItWasSubmitted() {
        String tenant = newTenant("priced", "community");
        Instant from = HOUR.plus(3, ChronoUnit.HOURS);
        price(tenant, from, "1");
        price(tenant, from.plus(1, ChronoUnit.HOURS), "10");

        post(
                job(tenant, from, 1000, 400, 50).build(),
                job(tenant, from.plus(1, ChronoUnit.HOURS).minusMillis(1), 1000, 0, 0)
                        .build(),
                job(tenant, from.plus(1, ChronoUnit.HOURS), 1000, 0, 0).build(),
                job(tenant, from, 1000, 0, 0)
                        .setAdapter("tuned")
                        .setJobClass(JobClass.JOB_CLASS_BATCH)
                        .build(),
                job(tenant, from, 1000, 0, 500)
                        .setOutcome(JobOutcome.JOB_OUTCOME_FAILED)
                        .build());

        List<String> lines = db.tenant(
                tenant, handle -> handle.createQuery("""
                                SELECT string_agg(item || ':' || tokens || ':' || trim_scale(amount), ' ' ORDER BY item)
                                FROM cost_line GROUP BY job_id ORDER BY 1""").mapTo(String.class).list());
        assertThat(lines)
                .containsExactly(
                        "1:1000:0.001",
                        "1:1000:0.001 4:1000:0.0005 6:0:-0.000375",
                        "1:1000:0.01",
                        "1:600:0.0006 2:400:0.0002 3:50:0.0001");
        String total = as("auditor")
                .get("/admin/v1/usage?tenant=" + tenant + "&group_by=none")
                .then()
                .statusCode(200)
                .body("currency", equalTo("USD"))
                .body("data[0].requests", equalTo(4))
                .body("data[0].failed", equalTo(1))
                .body("data[0].prompt_tokens", equalTo(4000))
                .body("data[0].cached_tokens", equalTo(400))
                .body("data[0].model", nullValue())
                .extract()
                .path("data[0].cost");
        assertThat(total).isEqualTo("0.013025000000");
    }

    @Test
    void rollupsAreTheSumsOfTheEntriesWhateverWasPostedTwice() {
        String tenant = newTenant("rolled", "community");
        for (int i = 0; i < 40; i++) {
            JobFinished job = job(tenant, HOUR.minus(RANDOM.nextInt(60), ChronoUnit.HOURS), 10 + i, 5, i)
                    .setProjectId("project-" + i % 2)
                    .setApiKeyId("key_" + i % 3)
                    .build();
            post(job, job);
            post(job);
        }

        for (String span : List.of("hour", "day", "month")) {
            List<String> kept = rows("SELECT r::text FROM usage_" + span + " r WHERE tenant_id = '" + tenant
                    + "' ORDER BY start_at, project_id, api_key_id, model");
            List<String> summed = rows("""
                    SELECT (tenant_id, date_trunc('%1$s', submitted_at, 'UTC'), project_id, api_key_id, model,
                        count(*), 0::bigint, sum(prompt_tokens)::bigint, sum(cached_tokens)::bigint,
                        sum(completion_tokens)::bigint, sum(cost))::text
                    FROM ledger_entry WHERE tenant_id = '%2$s'
                    GROUP BY tenant_id, date_trunc('%1$s', submitted_at, 'UTC'), project_id, api_key_id, model
                    ORDER BY date_trunc('%1$s', submitted_at, 'UTC'), project_id, api_key_id, model""".formatted(span, tenant));
            assertThat(kept).hasSizeGreaterThan(5).isEqualTo(summed);
        }
        assertThat(rows(
                        "SELECT DISTINCT (e.cost = (SELECT sum(amount) FROM cost_line c WHERE c.job_id = e.job_id))::text"
                                + " FROM ledger_entry e WHERE tenant_id = '" + tenant + "'"))
                .containsExactly("true");
    }

    @Test
    void usageIsToldByHourProjectAndKeyOfASpan() {
        String tenant = newTenant("told", "community");
        Instant yesterday = HOUR.minus(1, ChronoUnit.DAYS);
        post(
                job(tenant, yesterday, 7, 0, 1).build(),
                job(tenant, yesterday.plus(1, ChronoUnit.HOURS), 8, 0, 1)
                        .setProjectId("second")
                        .build(),
                job(tenant, yesterday.minus(1, ChronoUnit.HOURS), 1000, 0, 1).build());
        String key = newKey(tenant).text();

        given().header("Authorization", "Bearer " + key)
                .get("/v1/usage?bucket=hour&group_by=project,api_key&from=" + yesterday + "&to="
                        + yesterday.plus(2, ChronoUnit.HOURS))
                .then()
                .statusCode(200)
                .body(
                        "data.start",
                        equalTo(List.of(
                                yesterday.toString(),
                                yesterday.plus(1, ChronoUnit.HOURS).toString())))
                .body("data.project", equalTo(List.of("default", "second")))
                .body("data.api_key", equalTo(List.of("key_test", "key_test")))
                .body("data.prompt_tokens", equalTo(List.of(7, 8)));
    }

    @ParameterizedTest
    @CsvSource({
        "from, from=yesterday",
        "from, from=2026-01-01T00:30:00Z",
        "to, from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "bucket, bucket=minute",
        "bucket, bucket=hour",
        "bucket, bucket=hour&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z",
        "group_by, group_by=tenant"
    })
    void aSpanThatIsNoneIsRefusedByItsParameter(String param, String query) {
        as("auditor").get("/admin/v1/usage?" + query).then().statusCode(400).body("error.param", equalTo(param));
    }

    @Test
    void thisMonthsAndTheNextMonthsPartitionsAreThereAheadAndAgainIsNoHarm() {
        assertThat(MonthsAhead.months(Instant.parse("2027-01-31T23:59:59Z")))
                .containsExactly(Instant.parse("2027-01-31T23:59:59Z"), Instant.parse("2027-02-01T23:59:59Z"));

        monthsAhead.make();
        monthsAhead.make();

        for (Instant at : MonthsAhead.months(Instant.now())) {
            String month =
                    java.time.format.DateTimeFormatter.ofPattern("yyyy_MM").format(at.atOffset(ZoneOffset.UTC));
            assertThat(rows("SELECT to_regclass('ledger_entry_" + month + "')::text || to_regclass('cost_line_" + month
                            + "')::text"))
                    .containsExactly("ledger_entry_" + month + "cost_line_" + month);
        }
    }

    @Test
    void aCorrectionIsANewEntryAndTheRollupsFollowIt() {
        String tenant = newTenant("corrected", "community");
        Instant from = HOUR.plus(5, ChronoUnit.HOURS);
        price(tenant, from, "1");
        JobFinished job = job(tenant, from, 1000, 400, 50).build();
        post(job);

        correct(tenant, job.getJobId(), 1000, 500, 20)
                .then()
                .statusCode(201)
                .body("line", equalTo(1))
                .body("prompt_tokens", equalTo(0))
                .body("cached_tokens", equalTo(100))
                .body("completion_tokens", equalTo(-30))
                .body("cost", equalTo("-0.000110000000"));
        correct(tenant, job.getJobId(), 0, 0, 0).then().statusCode(201).body("line", equalTo(2));
        correct(tenant, job.getJobId(), 0, 0, 0)
                .then()
                .statusCode(409)
                .body("error.code", equalTo("nothing_to_correct"));
        correct(newTenant("stranger", "community"), job.getJobId(), 1, 0, 0)
                .then()
                .statusCode(404);

        as("auditor")
                .get("/admin/v1/usage?tenant=" + tenant)
                .then()
                .body("data[0].requests", equalTo(1))
                .body("data[0].prompt_tokens", equalTo(0))
                .body("data[0].completion_tokens", equalTo(0))
                .body("data[0].cost", equalTo("0.000000000000"));
        assertThat(rows("SELECT line || ' ' || cost FROM ledger_entry WHERE tenant_id = '" + tenant
                        + "' ORDER BY line"))
                .containsExactly("0 0.000900000000", "1 -0.000110000000", "2 -0.000790000000");
        assertThatThrownBy(() -> db.operator(handle -> handle.execute("""
                        INSERT INTO ledger_entry SELECT job_id, 0, submitted_at - interval '1 second', tenant_id, project_id,
                            api_key_id, model, adapter, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts,
                            decision_id, finished_at, job_class, cost FROM ledger_entry WHERE tenant_id = ? AND line = 0""", tenant)))
                .hasStackTraceContaining("row-level security");
        assertThatThrownBy(() -> db.operator(handle -> handle.execute("""
                        INSERT INTO ledger_entry SELECT job_id, 9, submitted_at, tenant_id, project_id,
                            api_key_id, model, adapter, outcome, prompt_tokens, completion_tokens, cached_tokens, attempts,
                            decision_id, finished_at, job_class, cost FROM ledger_entry WHERE tenant_id = ? AND line = 0""", tenant)))
                .hasStackTraceContaining("without an audit row");
    }

    private static Response correct(String tenant, String job, long prompt, long cached, long completion) {
        return as("admin")
                .body(Map.of(
                        "tenant", tenant,
                        "job", job,
                        "prompt_tokens", prompt,
                        "cached_tokens", cached,
                        "completion_tokens", completion,
                        "reason", "counted wrongly"))
                .post("/admin/v1/usage/corrections");
    }

    @Test
    void costsAreNobodysToChangeAndAnotherTenantsAreNotThere() {
        String mine = newTenant("mine", "community");
        String other = newTenant("other", "community");
        post(job(mine, HOUR, 5, 0, 5).build());

        assertThatThrownBy(() -> db.ledger(handle -> handle.execute("UPDATE cost_line SET amount = 0")))
                .hasStackTraceContaining("permission denied");
        List<Long> seenByMine = lines(mine);
        assertThat(lines(other)).containsExactly(0L);
        assertThat(seenByMine).containsExactly(2L);
    }

    private List<Long> lines(String tenant) {
        return db.tenant(
                tenant,
                handle -> handle.createQuery("SELECT count(*) FROM cost_line")
                        .mapTo(Long.class)
                        .list());
    }

    private void price(String tenant, Instant from, String prompt) {
        int before = prices.prices().size();
        as("admin")
                .body(Map.of(
                        "tenant",
                        tenant,
                        "model",
                        Served.MODEL,
                        "effective_from",
                        from.toString(),
                        "prompt",
                        prompt,
                        "cached_prompt",
                        "0.5",
                        "completion",
                        "2",
                        "adapter_premium",
                        "0.5",
                        "batch_discount",
                        "0.25"))
                .post("/admin/v1/prices")
                .then()
                .statusCode(201);
        long begin = System.nanoTime();
        while (prices.prices().size() == before) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
            Thread.onSpinWait();
        }
    }

    private void post(JobFinished... jobs) {
        long next = ledger.nextOffset("costs", 0);
        List<LedgerEntry> entries =
                java.util.Arrays.stream(jobs).map(LedgerEntry::of).toList();
        assertThat(ledger.post(new Batch("costs", 0, next, next + jobs.length, 0, entries, List.of())))
                .isEqualTo(Ledger.Posted.YES);
    }

    private List<String> rows(String sql) {
        return db.ledger(handle -> handle.createQuery(sql).mapTo(String.class).list());
    }

    private static JobFinished.Builder job(String tenant, Instant at, long prompt, long cached, long completion) {
        return JobFinished.newBuilder()
                .setJobId(JobId.create(at.toEpochMilli(), RANDOM).toString())
                .setOutcome(JobOutcome.JOB_OUTCOME_SUCCEEDED)
                .setUsage(Usage.newBuilder()
                        .setPromptTokens(prompt)
                        .setCachedTokens(cached)
                        .setCompletionTokens(completion))
                .setTenantId(tenant)
                .setProjectId("default")
                .setApiKeyId("key_test")
                .setModel(Served.MODEL)
                .setAttempts(1)
                .setSubmittedAtMs(at.toEpochMilli())
                .setFinishedAtMs(at.toEpochMilli());
    }
}
