package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.contracts.v1.JobClass;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the scheduler is told to share by, and what clients are told of its refusals. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SchedulingTest {
    private static final String PATH = "/v1/chat/completions";

    private KafkaPeer peer;

    @BeforeEach
    void someoneAtTheOtherEnd() {
        Served.model();
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    private static Response ask(Served.Tenant tenant, Map<String, ?> body) {
        return given().header("Authorization", "Bearer " + tenant.key())
                .contentType("application/json")
                .body(body)
                .post(PATH);
    }

    private static Map<String, Object> inTier(String serviceTier) {
        Map<String, Object> body = new HashMap<>(Served.chat(false));
        body.put("service_tier", serviceTier);
        return body;
    }

    private JobSubmitted answered(Served.Tenant tenant, Map<String, ?> body) throws Exception {
        CompletableFuture<Response> asked = CompletableFuture.supplyAsync(() -> ask(tenant, body));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "x");
        assertThat(asked.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        return job;
    }

    @Test
    void aJobTellsItsClassWeightLimitAndDeadline() throws Exception {
        Served.Tenant tenant = Served.Tenant.create("partner");

        JobSubmitted job = answered(tenant, inTier("default"));
        JobSubmitted flex = answered(tenant, inTier("flex"));

        assertThat(job.getJobClass()).isEqualTo(JobClass.JOB_CLASS_INTERACTIVE);
        assertThat(flex.getJobClass()).isEqualTo(JobClass.JOB_CLASS_BATCH);
        for (JobSubmitted one : List.of(job, flex)) {
            assertThat(one.getWeight()).isEqualTo(4);
            assertThat(one.getTenantRunningLimit()).isEqualTo(4096);
            assertThat(one.getProjectId()).isNotEmpty();
            assertThat(one.getDeadlineMs() - one.getSubmittedAtMs())
                    .isEqualTo(Duration.ofMinutes(10).toMillis());
        }
    }

    @Test
    void batchWorkIsOnlyForPlansThatHaveItAndAnUnknownServiceTierIsNamed() {
        // given: a tenant that has attested nothing stays in the evaluation tier
        String id = AdminApi.newTenant("caller", "evaluation");
        Served.Tenant tenant = new Served.Tenant(id, AdminApi.newKey(id).text());

        ask(tenant, inTier("flex")).then().statusCode(403).body("error.code", equalTo("batch_not_in_plan"));
        ask(tenant, inTier("ludicrous"))
                .then()
                .statusCode(400)
                .body("error.param", equalTo("service_tier"))
                .body("error.message", containsString("flex"));
        assertThat(peer.countOfTenant(tenant.id())).isZero();
    }

    @Test
    void aFullQueueIs429WithRetryAfter() throws Exception {
        Served.Tenant tenant = Served.Tenant.create("partner");
        CompletableFuture<Response> asked = CompletableFuture.supplyAsync(() -> ask(tenant, Served.chat(false)));
        JobSubmitted job = peer.awaitJob(tenant.id());

        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "queue_full", "1000 jobs of this class");

        asked.get(20, TimeUnit.SECONDS)
                .then()
                .statusCode(429)
                .header("retry-after", equalTo("2"))
                .body("error.code", equalTo("queue_full"))
                .body("error.type", equalTo("rate_limit_error"))
                .body("error.message", containsString("1000 jobs"));
    }

    @Test
    void aStreamsFullQueueIs429TooOrTheSameErrorAsAnEventOnceItHasBegun() throws Exception {
        Served.Tenant tenant = Served.Tenant.create("partner");
        try (Sse early = Sse.post(PATH, tenant.key(), Served.chat(true));
                Sse late = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted one = peer.awaitJob(tenant.id());
            JobSubmitted two = peer.awaitJob(tenant.id());
            peer.failed(one, JobOutcome.JOB_OUTCOME_FAILED, "queue_full", "1000 jobs");
            peer.failed(two, JobOutcome.JOB_OUTCOME_FAILED, "queue_full", "1000 jobs");

            for (Sse stream : List.of(early, late)) {
                JsonNode error;
                if (stream.head().getFirst().contains("429")) {
                    assertThat(stream.head()).contains("retry-after: 2");
                    error = new ObjectMapper().readTree(stream.body());
                } else {
                    // The 100 ms that a stream's status waits were over.
                    assertThat(stream.nextJson().at("/choices/0/delta/role").asText())
                            .isEqualTo("assistant");
                    error = stream.nextJson();
                }
                assertThat(error.at("/error/type").asText()).isEqualTo("rate_limit_error");
                assertThat(error.at("/error/code").asText()).isEqualTo("queue_full");
            }
        }
    }

    @Test
    void aMissedDeadlineIs504AndAnEventOfTheSameCodeInMidStream() throws Exception {
        Served.Tenant tenant = Served.Tenant.create("partner");
        CompletableFuture<Response> asked = CompletableFuture.supplyAsync(() -> ask(tenant, Served.chat(false)));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.failed(job, JobOutcome.JOB_OUTCOME_CANCELLED, "deadline_exceeded", "not over by its deadline");
        asked.get(20, TimeUnit.SECONDS).then().statusCode(504).body("error.code", equalTo("deadline_exceeded"));

        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted streamed = peer.awaitJob(tenant.id());
            peer.reply(streamed, KafkaPeer.delta(streamed, 0, "half"));
            stream.nextJson();
            stream.nextJson();
            peer.failed(streamed, JobOutcome.JOB_OUTCOME_CANCELLED, "deadline_exceeded", "not over by its deadline");
            assertThat(stream.nextJson().at("/error/code").asText()).isEqualTo("deadline_exceeded");
            assertThat(stream.rest()).isEmpty();
        }
    }
}
