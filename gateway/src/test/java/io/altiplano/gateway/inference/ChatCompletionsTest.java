package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ChatCompletionsTest {
    private static final String PATH = "/v1/chat/completions";

    private KafkaPeer peer;
    private Served.Tenant tenant;

    @BeforeEach
    void someoneWhoMayCall() {
        Served.model();
        tenant = Served.Tenant.create("community");
        peer = new KafkaPeer();
    }

    @AfterEach
    void close() throws InterruptedException {
        peer.close();
    }

    private static Map<String, Object> with(Map<String, Object> base, Object... more) {
        Map<String, Object> all = new HashMap<>(base);
        for (int i = 0; i < more.length; i += 2) {
            all.put((String) more[i], more[i + 1]);
        }
        return all;
    }

    private CompletableFuture<Response> post(Map<String, Object> body) {
        return CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(body)
                .post(PATH));
    }

    private static Response get(CompletableFuture<Response> response) throws Exception {
        return response.get(30, TimeUnit.SECONDS);
    }

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
    void aLostWorkerIsAPauseToTheClient() {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();
            peer.reply(job, KafkaPeer.delta(job, 0, "abc"));
            stream.nextJson();

            peer.retrying(job, 2);
            JobRelayed relayed = peer.awaitRelayed(job);
            peer.reply(job, KafkaPeer.delta(job, 3, "STALE"));
            peer.garbage(job);
            peer.reply(
                    job,
                    KafkaPeer.delta(job, 3, "def").setEpoch(2),
                    KafkaPeer.last(job, 6).setEpoch(2));

            assertThat(relayed.getEpoch()).isEqualTo(2);
            assertThat(relayed.getComplete()).isFalse();
            assertThat(relayed.getRelayedTokensList()).containsExactly((int) 'a', (int) 'b', (int) 'c');
            assertThat(relayed.getRelayedTextLength()).isEqualTo(3);
            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("def");
            assertThat(stream.rest()).last().isEqualTo("data: [DONE]");
        }
    }

    @Test
    void aWholeAnswerAnswersARetryThatComesTooLate() throws Exception {
        CompletableFuture<Response> asked = post(Served.chat(false));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "done");
        get(asked).then().statusCode(200);

        peer.retrying(job, 2);

        JobRelayed relayed = peer.awaitRelayed(job);
        assertThat(relayed.getComplete()).isTrue();
        assertThat(relayed.getUsage().getCompletionTokens()).isEqualTo(5);
        assertThat(relayed.getFinishReason()).isEqualTo("stop");
    }

    @Test
    void aClientThatHangsUpCancelsItsJobWithWhatItWasGiven() {
        JobSubmitted job;
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            job = peer.awaitJob(tenant.id());
            stream.nextJson();
            peer.reply(job, KafkaPeer.delta(job, 0, "abcd"));
            stream.nextJson();
        }

        var cancelled = peer.awaitCancelled(job);
        assertThat(cancelled.getRelayedTokens()).isEqualTo(4);
        assertThat(cancelled.getPromptTokens()).isEqualTo(job.getPromptTokensCount());
        assertThat(cancelled.getReason()).isEqualTo("client_disconnected");
    }

    @Test
    void aClientThatHangsUpOnAWholeAnswerCancelsToo() {
        JobSubmitted job;
        try (Sse waiting = Sse.post(PATH, tenant.key(), Served.chat(false))) {
            job = peer.awaitJob(tenant.id());
        }

        assertThat(peer.awaitCancelled(job).getRelayedTokens()).isZero();
    }

    @Test
    void aFailureInMidStreamIsAnErrorEventWithTheRequestsId() {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true), "X-Request-Id: my-id-7")) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();

            peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");

            JsonNode error = stream.nextJson().path("error");
            assertThat(error.path("type").asText()).isEqualTo("server_error");
            assertThat(error.path("code").asText()).isEqualTo("attempts_exhausted");
            assertThat(error.path("message").asText()).contains("my-id-7");
            assertThat(error.has("param")).isTrue();
            assertThat(stream.rest()).isEmpty();
            assertThat(stream.head()).contains("x-request-id: my-id-7");
        }
    }

    @Test
    void aJobThatLostItsWorkerWhileItsGatewayWasNotHeardMayBeSentAgain() throws Exception {
        CompletableFuture<Response> asked = post(Served.chat(false));
        JobSubmitted job = peer.awaitJob(tenant.id());

        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "gateway_lost", "no gateway answered within 45000 ms");

        get(asked).then().statusCode(503).header("retry-after", "1").body("error.code", equalTo("gateway_lost"));
    }

    @Test
    void aFailureOfAWholeAnswerIsAnError() throws Exception {
        CompletableFuture<Response> asked = post(Served.chat(false));
        JobSubmitted job = peer.awaitJob(tenant.id());

        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");

        get(asked).then().statusCode(500).body("error.code", equalTo("attempts_exhausted"));
    }

    @Test
    void aGapInTheAnswerIsAnErrorAndCancelsTheJob() {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();

            peer.reply(job, KafkaPeer.delta(job, 5, "lost the beginning"));

            assertThat(stream.nextJson().at("/error/code").asText()).isEqualTo("stream_broken");
            assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("reply_gap");
        }
    }

    @Test
    void aSilentStreamIsKeptAliveByComments() {
        try (Sse stream = Sse.post(PATH, tenant.key(), Served.chat(true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();

            assertThat(stream.next()).isEqualTo(": ping");

            peer.answer(job, "at last");
            assertThat(stream.nextJson().at("/choices/0/delta/content").asText())
                    .isEqualTo("at last");
        }
    }

    @Test
    void aClientThatNeverReadsLosesItsStreamAndNothingPilesUp() {
        try (Sse stream = Sse.post(PATH, tenant.key(), with(Served.chat(true), "logprobs", true))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            String much = "x".repeat(2000);

            for (int i = 0; i < 100; i++) {
                peer.reply(job, KafkaPeer.delta(job, i * much.length(), much));
            }

            assertThat(peer.awaitCancelled(job).getReason()).isEqualTo("slow_reader");
            assertThat(stream.rest()).last().asString().contains("slow_reader");
        }
    }

    @Test
    void aCallOfAnOfferedFunctionBecomesAToolCall() throws Exception {
        String call = "{\"name\": \"weather\", \"parameters\": {\"city\": \"La Paz\"}}";
        CompletableFuture<Response> asked = post(with(Served.chat(false), "tools", List.of(weather())));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, call);

        get(asked)
                .then()
                .body("choices[0].finish_reason", equalTo("tool_calls"))
                .body("choices[0].message.content", nullValue())
                .body("choices[0].message.tool_calls[0].type", equalTo("function"))
                .body("choices[0].message.tool_calls[0].function.name", equalTo("weather"))
                .body("choices[0].message.tool_calls[0].function.arguments", equalTo("{\"city\":\"La Paz\"}"));
    }

    @Test
    void aStreamedToolCallOpensWithItsNameAndThenTellsItsArguments() {
        String call = "{\"name\": \"weather\", \"parameters\": {\"city\": \"La Paz\"}}";
        try (Sse stream = Sse.post(PATH, tenant.key(), with(Served.chat(true), "tools", List.of(weather())))) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            stream.nextJson();
            peer.answer(job, call);

            JsonNode opened = stream.nextJson().at("/choices/0/delta/tool_calls/0");
            JsonNode arguments = stream.nextJson().at("/choices/0/delta/tool_calls/0");

            assertThat(opened.path("index").asInt()).isZero();
            assertThat(opened.path("id").asText()).startsWith("call_");
            assertThat(opened.at("/function/name").asText()).isEqualTo("weather");
            assertThat(arguments.path("index").asInt()).isZero();
            assertThat(arguments.at("/function/arguments").asText()).isEqualTo("{\"city\":\"La Paz\"}");
            assertThat(stream.nextJson().at("/choices/0/finish_reason").asText())
                    .isEqualTo("tool_calls");
            assertThat(stream.rest()).containsExactly("data: [DONE]");
        }
    }

    @Test
    void toolsAndTheirResultsReachThePrompt() throws Exception {
        Map<String, Object> call = Map.of(
                "id", "call_1",
                "type", "function",
                "function", Map.of("name", "weather", "arguments", "{\"city\":\"La Paz\"}"));
        List<Map<String, Object>> messages = List.of(
                Map.of("role", "developer", "content", "Be brief."),
                Map.of("role", "user", "content", List.of(Map.of("type", "text", "text", "Rain?"))),
                Map.of("role", "assistant", "tool_calls", List.of(call)),
                Map.of("role", "tool", "tool_call_id", "call_1", "content", "{\"rain\": false}"));
        CompletableFuture<Response> asked =
                post(with(Served.chat(false), "messages", messages, "tools", List.of(weather())));

        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.answer(job, "No rain.");

        get(asked).then().statusCode(200).body("choices[0].message.content", equalTo("No rain."));
        StringBuilder prompt = new StringBuilder();
        job.getPromptTokensList().stream().filter(t -> t < 256).forEach(t -> prompt.append((char) (int) t));
        assertThat(prompt.toString())
                .contains("\"name\": \"weather\"")
                .contains("system\n\nBe brief.")
                .contains("user\n\nRain?")
                .contains("{\"name\": \"weather\", \"parameters\": {\"city\": \"La Paz\"}}")
                .contains("tool\n\n{\"rain\": false}");
    }

    private static Map<String, Object> weather() {
        return Map.of(
                "type",
                "function",
                "function",
                Map.of("name", "weather", "description", "Weather of a city", "parameters", Map.of("type", "object")));
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
