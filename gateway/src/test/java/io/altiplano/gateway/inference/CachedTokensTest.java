package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.ReplyDelta;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class CachedTokensTest extends ChatCase {
    @Test
    void aWholeAnswerTellsWhatCameFromThePrefixCache() throws Exception {
        CompletableFuture<Response> asked =
                CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                        .contentType(ContentType.JSON)
                        .body(Served.chat(false))
                        .post(PATH));
        JobSubmitted job = peer.awaitJob(tenant.id());
        peer.reply(job, KafkaPeer.delta(job, 0, "Hi"), cached(job, 2));

        asked.get(30, TimeUnit.SECONDS)
                .then()
                .body("usage.prompt_tokens", equalTo(job.getPromptTokensCount()))
                .body("usage.prompt_tokens_details.cached_tokens", equalTo(3));
    }

    @Test
    void aStreamThatIncludesUsageTellsItInItsLastChunk() throws Exception {
        Map<String, Object> body = new HashMap<>(Served.chat(true));
        body.put("stream_options", Map.of("include_usage", true));
        try (Sse stream = Sse.post(PATH, tenant.key(), body)) {
            JobSubmitted job = peer.awaitJob(tenant.id());
            peer.reply(job, KafkaPeer.delta(job, 0, "Hi"), cached(job, 2));

            List<String> lines = stream.rest();

            assertThat(lines.getLast()).isEqualTo("data: [DONE]");
            JsonNode last =
                    new ObjectMapper().readTree(lines.get(lines.size() - 2).substring("data: ".length()));
            assertThat(last.path("choices")).isEmpty();
            assertThat(last.at("/usage/prompt_tokens").asInt()).isEqualTo(job.getPromptTokensCount());
            assertThat(last.at("/usage/prompt_tokens_details/cached_tokens").asInt())
                    .isEqualTo(3);
        }
    }

    private static ReplyDelta.Builder cached(JobSubmitted job, int index) {
        ReplyDelta.Builder last = KafkaPeer.last(job, index);
        return last.setUsage(last.getUsage().toBuilder().setCachedTokens(3));
    }
}
