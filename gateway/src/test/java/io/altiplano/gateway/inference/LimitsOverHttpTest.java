package io.altiplano.gateway.inference;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.altiplano.gateway.testing.People.join;
import static io.altiplano.gateway.testing.People.person;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.matchesPattern;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Metrics;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import io.restassured.response.Response;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Limits as clients meet them, and as a tenant's people see and set them. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class LimitsOverHttpTest {
    private static final String PATH = "/v1/chat/completions";
    private static final String LIMITS = "/v1/organization/limits";
    private static final Duration LONG_ENOUGH = Duration.ofSeconds(30);

    private static Producer<String, byte[]> scheduler;

    private KafkaPeer peer;
    private Served.Tenant tenant;

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

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        tenant = Served.Tenant.create("community");
        join(tenant.id(), tenant.id() + "-owner", "owner");
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    private Response post(Object... more) {
        Map<String, Object> body = new HashMap<>(Served.chat(false));
        for (int i = 0; i < more.length; i += 2) {
            body.put((String) more[i], more[i + 1]);
        }
        return given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(body)
                .post(PATH);
    }

    /** Asks, and answers as scheduler and worker would; the job. */
    private JobSubmitted answered(Object... more) throws Exception {
        CompletableFuture<Response> asked = CompletableFuture.supplyAsync(() -> post(more));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "Hello");
        asked.get(30, TimeUnit.SECONDS).then().statusCode(200);
        return job;
    }

    private static void finish(JobSubmitted job, long completion) throws Exception {
        JobFinished finished = JobFinished.newBuilder()
                .setJobId(job.getJobId())
                .setOutcome(JobOutcome.JOB_OUTCOME_SUCCEEDED)
                .setUsage(Usage.newBuilder()
                        .setPromptTokens(job.getPromptTokensCount())
                        .setCompletionTokens(completion))
                .setTenantId(job.getTenantId())
                .setProjectId(job.getProjectId())
                .setApiKeyId(job.getApiKeyId())
                .setModel(job.getModel())
                .setAttempts(1)
                .setSubmittedAtMs(job.getSubmittedAtMs())
                .setFinishedAtMs(job.getSubmittedAtMs())
                .build();
        byte[] record =
                Topics.JOB.encode(JobRecord.newBuilder().setFinished(finished).build());
        scheduler
                .send(new ProducerRecord<>(GatewayTestResource.get().topics().jobs(), "default", record))
                .get();
    }

    private void platformSets(Map<String, ?> limits) {
        as("admin")
                .body(limits)
                .put("/admin/v1/tenants/" + tenant.id() + "/limits")
                .then()
                .statusCode(200);
    }

    private JsonPath limits() {
        return person(tenant.id() + "-owner").get(LIMITS).jsonPath();
    }

    private void await(String path, int value) {
        long begin = System.nanoTime();
        while (limits().getInt(path) != value) {
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .as("%s to be %d in %s", path, value, limits().prettify())
                    .isLessThan(LONG_ENOUGH);
            LockSupport.parkNanos(10_000_000);
        }
    }

    @Test
    void everyAnswerTellsHowTheRatesStand() throws Exception {
        CompletableFuture<Response> asked = CompletableFuture.supplyAsync(() -> post("max_tokens", 50));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "Hello");

        asked.get(30, TimeUnit.SECONDS)
                .then()
                .statusCode(200)
                .header("x-ratelimit-limit-requests", "600")
                .header("x-ratelimit-remaining-requests", "599")
                .header("x-ratelimit-reset-requests", "100ms")
                .header("x-ratelimit-limit-tokens", "400000")
                .header("x-ratelimit-remaining-tokens", Integer.toString(400_000 - job.getPromptTokensCount() - 50))
                .header("x-ratelimit-reset-tokens", matchesPattern("[0-9]+ms"));
        post("messages", List.of(Map.of("role", "user", "content", "x".repeat(500_000))))
                .then()
                .statusCode(400)
                .header("x-ratelimit-limit-requests", "600")
                .header("x-ratelimit-remaining-requests", notNullValue());
    }

    @Test
    void aRefusedRequestIsToldTheLimitAndWhenToComeBack() throws Exception {
        platformSets(Map.of("requests_per_minute", 1));
        answered();

        for (int i = 0; i < 2; i++) {
            post().then()
                    .statusCode(429)
                    .header("retry-after", matchesPattern("[1-6]?[0-9]"))
                    .header("x-should-retry", nullValue())
                    .header("x-ratelimit-limit-requests", "1")
                    .header("x-ratelimit-remaining-requests", "0")
                    .body("error.code", equalTo("rate_limit_exceeded"))
                    .body("error.type", equalTo("rate_limit_error"))
                    .body("error.message", containsString("1 requests a minute"));
        }
    }

    @Test
    void whatAJobUsedIsSettledWhenItsEndIsPosted() throws Exception {
        JobSubmitted job = answered("max_tokens", 50);
        int prompt = job.getPromptTokensCount();
        await("data[0].running", 0);
        assertThat(limits().getInt("data[0].tokens_per_month.held")).isEqualTo(prompt + 50);
        assertThat(limits().getInt("data[0].tokens_per_month.used")).isZero();

        finish(job, 6);

        await("data[0].tokens_per_month.used", prompt + 6);
        assertThat(limits().getInt("data[0].tokens_per_month.held")).isZero();
        assertThat(limits().getString("data[1].project")).isEqualTo("default");
        assertThat(limits().getInt("data[1].tokens_per_day.used")).isEqualTo(prompt + 6);
        finish(job, 6);
        JobSubmitted next = answered("max_tokens", 50);
        finish(next, 6);
        await("data[0].tokens_per_month.used", 2 * (prompt + 6));
    }

    @Test
    void anAbsentMaxTokensFitsTheBudgetAndAnExplicitOneIsRefused() throws Exception {
        int prompt = answered("max_tokens", 1).getPromptTokensCount();
        platformSets(Map.of("tokens_per_day", 3 * prompt + 101));
        double refused = refused("insufficient_quota");

        post("max_tokens", 2 * prompt + 200)
                .then()
                .statusCode(429)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("insufficient_quota"))
                .body("error.type", equalTo("insufficient_quota"))
                .body("error.param", equalTo("max_tokens"))
                .body("error.message", containsString("max_tokens of at most " + (prompt + 100)));
        assertThat(refused("insufficient_quota")).isEqualTo(refused + 1);
        JobSubmitted job = answered();

        assertThat(job.getSampling().getMaxTokens()).isEqualTo(prompt + 100);
        assertThat(job.getEstimatedCost()).isEqualTo(2L * prompt + 100);
    }

    @Test
    void anOwnerSetsAProjectsBudgetBelowThePlatformsAndReadsItsAlerts() throws Exception {
        platformSets(Map.of("tokens_per_month", 1000));
        String owner = tenant.id() + "-owner";
        JobSubmitted job = answered("max_tokens", 20);
        int prompt = job.getPromptTokensCount();

        person(owner)
                .body(Map.of("tokens_per_month", prompt + 10))
                .post("/v1/organization/projects/default/limits")
                .then()
                .statusCode(200)
                .body("data[0].tokens_per_month.limit", equalTo(1000))
                .body("data[0].set_by_platform.tokens_per_month", equalTo(1000))
                .body("data[0].set_by_tenant", nullValue())
                .body("data[1].tokens_per_month.limit", equalTo(prompt + 10))
                .body("data[1].tokens_per_month.hard", equalTo(prompt + 10))
                .body("data[1].set_by_tenant.tokens_per_month", equalTo(prompt + 10));
        person(owner).body(Map.of("tokens_per_month", 5_000_000)).post(LIMITS);
        finish(job, 6);
        await("data[1].tokens_per_month.used", prompt + 6);

        // What the tenant sets for itself widens nothing.
        assertThat(limits().getInt("data[0].tokens_per_month.limit")).isEqualTo(1000);
        post().then()
                .statusCode(429)
                .body("error.code", equalTo("insufficient_quota"))
                .body("error.message", containsString("The project default"));
        person(owner)
                .body(Map.of("tokens_per_month", prompt + 12, "soft", List.of("tokens_per_month")))
                .post("/v1/organization/projects/default/limits")
                .then()
                .statusCode(200)
                .body("data[1].tokens_per_month.hard", nullValue());
        finish(answered("max_tokens", 20), 10);
        await("data[1].tokens_per_month.used", 2 * prompt + 16);
        JsonPath alerts = person(owner).get(LIMITS + "/alerts").jsonPath();
        assertThat(alerts.getList("data.findAll { it.project == 'default' }.threshold", Integer.class))
                .containsExactlyInAnyOrder(50, 80, 100);
        assertThat(as("admin")
                        .get("/admin/v1/tenants/" + tenant.id() + "/limit-alerts")
                        .jsonPath()
                        .getList("data"))
                .hasSameSizeAs(alerts.getList("data"));
    }

    @Test
    void aBudgetIsHeldByPriceAndUsedByCost() throws Exception {
        JsonPath prices = as("admin").get("/admin/v1/prices").jsonPath();
        String listed = "data.find { it.model == '*' && it.tenant == null }.";
        BigDecimal read = new BigDecimal(prices.getString(listed + "prompt")).movePointLeft(6);
        BigDecimal written = new BigDecimal(prices.getString(listed + "completion")).movePointLeft(6);
        JobSubmitted job = answered("max_tokens", 50);
        BigDecimal prompt = BigDecimal.valueOf(job.getPromptTokensCount()).multiply(read);
        assertThat(new BigDecimal(limits().getString("data[0].budget_per_month.held")))
                .isEqualByComparingTo(prompt.add(BigDecimal.valueOf(50).multiply(written)));

        finish(job, 6);

        await("data[0].tokens_per_month.used", job.getPromptTokensCount() + 6);
        BigDecimal cost = prompt.add(BigDecimal.valueOf(6).multiply(written));
        assertThat(new BigDecimal(limits().getString("data[0].budget_per_month.used")))
                .isEqualByComparingTo(cost);
        platformSets(
                Map.of("budget_per_month", cost.setScale(6, RoundingMode.UP).toPlainString()));
        post().then()
                .statusCode(429)
                .body("error.code", equalTo("insufficient_quota"))
                .body("error.message", containsString("budget_per_month"));
    }

    @Test
    void aWrongLimitIsRefusedByItsName() {
        String owner = tenant.id() + "-owner";
        Map<String, Map<String, Object>> wrong = Map.of(
                "requests_per_minute", Map.of("requests_per_minute", 0),
                "budget_per_month", Map.of("budget_per_month", "1e3"),
                "soft", Map.of("soft", List.of("concurrent")),
                "tokens_per_day", Map.of("tokens_per_day", -1),
                "tier", Map.of("tier", "partner"));
        wrong.forEach((field, body) ->
                person(owner).body(body).post(LIMITS).then().statusCode(400).body("error.param", equalTo(field)));
        as("admin")
                .body(Map.of())
                .put("/admin/v1/tenants/" + tenant.id() + "/projects/nothing/limits")
                .then()
                .statusCode(404)
                .body("error.code", equalTo("project_not_found"));
    }

    /** How often this gateway has refused with a code. */
    private static double refused(String code) {
        return Metrics.sum("altiplano_requests_refused_total{code=\"" + code + "\"}");
    }
}
