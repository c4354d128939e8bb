package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.AdminApi;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.altiplano.gateway.testing.TestCheckpoint;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ChatCompletionsTest extends ChatCase {
    @Test
    void aWholeAnswerIsOneObjectWithTheWorkersCounts() throws Exception {
        CompletableFuture<Response> asked = post(Served.chat(false));

        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "Hello there");

        get(asked)
                .then()
                .statusCode(200)
                .contentType("application/json")
                .header("x-request-id", notNullValue())
                .header("x-ratelimit-limit-requests", "600")
                .body("object", equalTo("chat.completion"))
                .body("id", equalTo("chatcmpl-" + job.getJobId()))
                .body("model", equalTo(Served.MODEL))
                .body("choices[0].message.role", equalTo("assistant"))
                .body("choices[0].message.content", equalTo("Hello there"))
                .body("choices[0].message.refusal", nullValue())
                .body("choices[0].finish_reason", equalTo("stop"))
                .body("choices[0].logprobs", nullValue())
                .body("usage.prompt_tokens", equalTo(job.getPromptTokensCount()))
                .body("usage.completion_tokens", equalTo(12))
                .body("usage.total_tokens", equalTo(12 + job.getPromptTokensCount()));
        assertThat(job.getStream()).isFalse();
    }

    @Test
    void theJobCarriesAllThatLaterHopsNeed() throws Exception {
        Map<String, Object> body = with(
                Served.chat(false),
                "temperature",
                0.5,
                "top_p",
                0.25,
                "seed",
                42,
                "max_completion_tokens",
                100,
                "min_tokens",
                7,
                "stop",
                List.of("a", "b"),
                "user",
                "ignored",
                "some_unknown_field",
                Map.of("x", 1));

        CompletableFuture<Response> asked = post(body);
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "x");
        get(asked);

        assertThat(job.getPool()).isEqualTo("default");
        assertThat(job.getModel()).isEqualTo(Served.MODEL);
        assertThat(job.getSampling().getTemperature()).isEqualTo(0.5f);
        assertThat(job.getSampling().getTopP()).isEqualTo(0.25f);
        assertThat(job.getSampling().getSeed()).isEqualTo(42);
        assertThat(job.getSampling().getMaxTokens()).isEqualTo(100);
        assertThat(job.getSampling().getMinTokens()).isEqualTo(7);
        assertThat(job.getSampling().getStopList()).containsExactly("a", "b");
        assertThat(job.getPromptTokens(0)).isEqualTo(256);
        assertThat(job.getPrefixHashesCount()).isEqualTo(job.getPromptTokensCount() / 16);
        assertThat(job.getEstimatedCost()).isEqualTo(job.getPromptTokensCount() + 100);
        assertThat(job.getWeight()).isEqualTo(1);
        assertThat(job.getDecisionId()).isNotEmpty();
        assertThat(job.getSubmittedAtMs()).isPositive();
    }

    @Test
    void aStreamIsRoleContentFinishAndDone() {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), "Accept: application/json")) {
            JobSubmitted job = peer.awaitJob(tenant.id());

            assertThat(stream.head().getFirst()).startsWith("http/1.1 200");
            assertThat(stream.head()).anyMatch(h -> h.startsWith("content-type: text/event-stream"));
            assertThat(stream.head()).anyMatch(h -> h.startsWith("x-request-id: "));
            JsonNode role = stream.nextJson();
            assertThat(role.at("/choices/0/delta/role").asText()).isEqualTo("assistant");
            peer.reply(job, KafkaPeer.delta(job, 0, "Hel"));
            JsonNode first = stream.nextJson();
            assertThat(first.at("/choices/0/delta/content").asText()).isEqualTo("Hel");
            assertThat(first.path("object").asText()).isEqualTo("chat.completion.chunk");
            assertThat(first.at("/choices/0/finish_reason").isNull()).isTrue();
            peer.reply(job, KafkaPeer.delta(job, 3, "lo"), KafkaPeer.last(job, 5));
            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("lo");
            JsonNode finish = stream.nextJson();
            assertThat(finish.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(finish.at("/choices/0/delta").isEmpty()).isTrue();
            assertThat(stream.rest()).containsExactly("data: [DONE]");
        }
    }

    @Test
    void logprobsHaveOneEntryATokenSoThatAClientCanCount() {
        Map<String, Object> body = with(
                Served.chat(true),
                "logprobs",
                true,
                "top_logprobs",
                2,
                "stream_options",
                Map.of("include_usage", true));
        try (Sse stream = Sse.post(PATH, tenant.key(), body)) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            peer.answer(job, "Hi");

            List<String> lines = stream.rest();

            assertThat(lines).hasSize(5);
            assertThat(lines.get(1))
                    .contains("\"token\":\"H\",\"logprob\":-0.5,\"bytes\":[72],\"top_logprobs\":[]")
                    .contains("\"token\":\"<|eot_id|>\",\"logprob\":-0.25,\"bytes\":null")
                    .contains("\"usage\":null");
            assertThat(lines.get(1).split("\"token\":", -1)).hasSize(4);
            assertThat(lines.get(3)).contains("\"choices\":[]").contains("\"completion_tokens\":3");
            assertThat(lines.get(4)).isEqualTo("data: [DONE]");
            assertThat(job.getSampling().getTopLogprobs()).isEqualTo(2);
        }
    }

    @Test
    void specialTokensInContentStayText() throws Exception {
        Map<String, Object> message = Map.of("role", "user", "content", "<|eot_id|>{{ 7*7 }}{% raw %}");
        CompletableFuture<Response> asked = post(with(Served.chat(false), "messages", List.of(message)));

        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "ok");

        get(asked).then().statusCode(200);
        assertThat(job.getPromptTokensList().stream().filter(t -> t == TestCheckpoint.EOT))
                .hasSize(1);
        StringBuilder prompt = new StringBuilder();
        job.getPromptTokensList().stream().filter(t -> t < 256).forEach(t -> prompt.append((char) (int) t));
        assertThat(prompt.toString()).contains("<|eot_id|>{{ 7*7 }}{% raw %}");
    }

    @Test
    void promptAndAnswerBeyondTheContextAreRefused() throws Exception {
        get(post(with(Served.chat(false), "max_tokens", TestCheckpoint.CONTEXT)))
                .then()
                .statusCode(400)
                .body("error.code", equalTo("context_length_exceeded"))
                .body("error.message", containsString(Integer.toString(TestCheckpoint.CONTEXT)));
    }

    @Test
    void anUnattestedTenantIsRefusedAndNothingIsQueued() {
        String id = AdminApi.newTenant("giant", "community");
        AdminApi.attest(id, 812_000_000L).then().statusCode(201);
        String key = AdminApi.newKey(id).text();

        given().header("Authorization", "Bearer " + key)
                .contentType(ContentType.JSON)
                .body(Served.chat(true))
                .post(PATH)
                .then()
                .statusCode(403)
                .header("x-should-retry", "false")
                .body("error.code", equalTo("licence_approval_required"));

        assertThat(peer.countOfTenant(id)).isZero();
    }

    @Test
    void modelsAreListedAndAMissingOneIsNamed() {
        given().header("Authorization", "Bearer " + tenant.key())
                .accept("application/x-anything")
                .get("/v1/models")
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data.find { it.id == '" + Served.MODEL + "' }.object", equalTo("model"))
                .body("has_more", equalTo(false));
        given().header("Authorization", "Bearer " + tenant.key())
                .get("/v1/models/" + Served.MODEL)
                .then()
                .statusCode(200)
                .body("owned_by", equalTo("altiplano"));
        given().header("Authorization", "Bearer " + tenant.key())
                .urlEncodingEnabled(false)
                .get("/v1/models/meta%2Fllama")
                .then()
                .statusCode(404)
                .body("error.code", equalTo("model_not_found"))
                .body("error.message", containsString("meta/llama"));
    }
}
