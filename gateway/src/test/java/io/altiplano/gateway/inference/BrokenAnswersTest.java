package io.altiplano.gateway.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;

import com.fasterxml.jackson.databind.JsonNode;
import io.altiplano.contracts.v1.JobOutcome;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.KafkaPeer;
import io.altiplano.gateway.testing.Served;
import io.altiplano.gateway.testing.Sse;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.Response;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a client sees when a worker is lost, a job fails or an answer has gaps; and what becomes of the job when the client goes. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class BrokenAnswersTest extends ChatCase {
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

        get(asked)
                .then()
                .statusCode(500)
                .header("x-ratelimit-limit-requests", notNullValue())
                .body("error.code", equalTo("attempts_exhausted"));
    }

    @Test
    void aStreamThatTheSchedulerRefusesAtOnceIsAnErrorWithTheLimitsOfItsTenant() throws Exception {
        CompletableFuture<Response> asked = post(Served.chat(true));
        JobSubmitted job = peer.awaitJob(tenant.id());

        peer.failed(job, JobOutcome.JOB_OUTCOME_FAILED, "queue_full", "64 wait");

        get(asked)
                .then()
                .statusCode(429)
                .header("retry-after", notNullValue())
                .header("x-ratelimit-limit-requests", notNullValue())
                .body("error.code", equalTo("queue_full"));
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
}
