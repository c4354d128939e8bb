package io.altiplano.gateway.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Functions that a client offers, and calls of them. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class ChatToolsTest extends ChatCase {
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
}
