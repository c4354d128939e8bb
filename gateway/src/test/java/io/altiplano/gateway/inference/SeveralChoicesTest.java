package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Requests with {@code n}: so many jobs, one answer. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class SeveralChoicesTest extends ChatCase {
    private static Map<String, Object> chat(boolean stream, int n) {
        Map<String, Object> body = new HashMap<>(Served.chat(stream));
        body.put("n", n);
        return body;
    }

    private List<JobSubmitted> awaitJobs(int n) {
        List<JobSubmitted> jobs = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            jobs.add(peer.awaitJob(tenant.id()));
        }
        return jobs;
    }

    @Test
    void answersAreJobsOfOneSeedAndPromptAndComeTogether() throws Exception {
        // given
        CompletableFuture<Response> asked = post(chat(false, 3));
        List<JobSubmitted> jobs = awaitJobs(3);

        // when the last is answered first
        peer.answer(jobs.get(2), "three");
        peer.answer(jobs.get(0), "one");
        peer.answer(jobs.get(1), "two");

        // then
        int prompt = jobs.getFirst().getPromptTokensCount();
        asked.get(30, TimeUnit.SECONDS)
                .then()
                .statusCode(200)
                .body("id", equalTo("chatcmpl-" + jobs.getFirst().getJobId()))
                .body("choices.index", contains(0, 1, 2))
                .body("choices.message.content", contains("one", "two", "three"))
                .body("choices.finish_reason", contains("stop", "stop", "stop"))
                .body("usage.prompt_tokens", equalTo(prompt))
                .body("usage.completion_tokens", equalTo(4 + 4 + 6))
                .body("usage.total_tokens", equalTo(prompt + 14));
        assertThat(jobs).extracting(job -> job.getSampling().getChoice()).containsExactly(0, 1, 2);
        assertThat(jobs)
                .extracting(job -> job.getSampling().getSeed())
                .containsOnly(jobs.getFirst().getSampling().getSeed());
        assertThat(jobs)
                .extracting(JobSubmitted::getPromptTokensList)
                .containsOnly(jobs.getFirst().getPromptTokensList());
        assertThat(jobs).extracting(JobSubmitted::getJobId).doesNotHaveDuplicates();
    }

    @Test
    void chunksOfAStreamComeAsTheyComeToldApartByTheirIndex() {
        Map<String, Object> body = chat(true, 2);
        body.put("stream_options", Map.of("include_usage", true));
        try (Sse stream = Sse.post(PATH, tenant.key(), body)) {
            // given
            List<JobSubmitted> jobs = awaitJobs(2);
            assertThat(List.of(stream.nextJson(), stream.nextJson()))
                    .allMatch(
                            chunk -> chunk.at("/choices/0/delta/role").asText().equals("assistant"))
                    .extracting(SeveralChoicesTest::index)
                    .containsExactly(0, 1);

            // when, then
            peer.reply(jobs.get(1), KafkaPeer.delta(jobs.get(1), 0, "B"));
            assertContent(stream.nextJson(), 1, "B");
            peer.reply(jobs.get(0), KafkaPeer.delta(jobs.get(0), 0, "A"));
            assertContent(stream.nextJson(), 0, "A");
            peer.reply(jobs.get(1), KafkaPeer.last(jobs.get(1), 1));
            JsonNode finish = stream.nextJson();
            assertThat(index(finish)).isEqualTo(1);
            assertThat(finish.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            peer.reply(jobs.get(0), KafkaPeer.delta(jobs.get(0), 1, "a"));
            assertContent(stream.nextJson(), 0, "a");
            peer.reply(jobs.get(0), KafkaPeer.last(jobs.get(0), 2));
            assertThat(index(stream.nextJson())).isZero();
            JsonNode usage = stream.nextJson();
            assertThat(usage.path("choices")).isEmpty();
            assertThat(usage.at("/usage/prompt_tokens").asInt())
                    .isEqualTo(jobs.getFirst().getPromptTokensCount());
            assertThat(usage.at("/usage/completion_tokens").asInt()).isEqualTo(2 + 3);
            assertThat(stream.rest()).containsExactly("data: [DONE]");
        }
    }

    private static int index(JsonNode chunk) {
        return chunk.at("/choices/0/index").asInt(-1);
    }

    private static void assertContent(JsonNode chunk, int index, String content) {
        assertThat(index(chunk)).isEqualTo(index);
        assertThat(chunk.at("/choices/0/delta/content").asText()).isEqualTo(content);
    }

    @Test
    void oneThatFailsFailsTheRequestAndTheOthersAreCancelled() throws Exception {
        // given
        CompletableFuture<Response> asked = post(chat(false, 3));
        List<JobSubmitted> jobs = awaitJobs(3);
        peer.reply(jobs.get(0), KafkaPeer.delta(jobs.get(0), 0, "one"));

        // when
        peer.failed(jobs.get(1), JobOutcome.JOB_OUTCOME_FAILED, "attempts_exhausted", "Three workers were lost.");

        // then
        asked.get(30, TimeUnit.SECONDS)
                .then()
                .statusCode(500)
                .body("error.code", equalTo("attempts_exhausted"))
                .body("error.message", equalTo("Three workers were lost."));
        assertThat(peer.awaitCancelled(jobs.get(0)).getReason()).isEqualTo("choice_failed");
        assertThat(peer.awaitCancelled(jobs.get(2)).getReason()).isEqualTo("choice_failed");
    }

    @Test
    void oneThatFailsEndsTheStreamWithAnErrorEvent() {
        try (Sse stream = Sse.post(PATH, tenant.key(), chat(true, 2))) {
            // given
            List<JobSubmitted> jobs = awaitJobs(2);
            stream.nextJson();
            stream.nextJson();

            // when
            peer.failed(jobs.get(1), JobOutcome.JOB_OUTCOME_FAILED, "engine_fault", "The engine failed.");

            // then
            assertThat(stream.nextJson().at("/error/code").asText()).isEqualTo("engine_fault");
            assertThat(stream.rest()).isEmpty();
            assertThat(peer.awaitCancelled(jobs.get(0)).getReason()).isEqualTo("choice_failed");
        }
    }

    @Test
    void aClientThatHangsUpCancelsAllThatRun() {
        // given
        List<JobSubmitted> jobs;
        try (Sse stream = Sse.post(PATH, tenant.key(), chat(true, 3))) {
            jobs = awaitJobs(3);
            stream.nextJson();
            peer.answer(jobs.get(1), "whole");
            stream.nextJson();
            stream.nextJson();
            assertContent(stream.nextJson(), 1, "whole");
        } // when

        // then
        assertThat(peer.awaitCancelled(jobs.get(0)).getReason()).isEqualTo("client_disconnected");
        assertThat(peer.awaitCancelled(jobs.get(2)).getReason()).isEqualTo("client_disconnected");
    }

    @Test
    void moreAnswersThanAreServedAreRefusedByName() {
        given().header("Authorization", "Bearer " + tenant.key())
                .contentType(ContentType.JSON)
                .body(chat(false, 9))
                .post(PATH)
                .then()
                .statusCode(400)
                .body("error.param", equalTo("n"))
                .body("error.message", equalTo("n must be a whole number from 1 to 8."));
    }
}
