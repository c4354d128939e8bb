package io.altiplano.gateway.inference;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.contracts.v1.LogitBias;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.gateway.testing.GatewayTestResource;
import io.altiplano.gateway.testing.Served;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a request says about how tokens are chosen reaches the worker. */
@QuarkusTest
@QuarkusTestResource(GatewayTestResource.class)
class TokenChoiceTest extends ChatCase {
    @Test
    void penaltiesBiasAndExtensionsAreTheJobs() throws Exception {
        Sampling sampling = sampled(Map.of(
                "presence_penalty",
                0.5,
                "frequency_penalty",
                -0.25,
                "repetition_penalty",
                1.5,
                "top_k",
                40,
                "min_p",
                0.125,
                "logit_bias",
                Map.of("65", -100, "0", 2.5)));

        assertThat(sampling.getPresencePenalty()).isEqualTo(0.5f);
        assertThat(sampling.getFrequencyPenalty()).isEqualTo(-0.25f);
        assertThat(sampling.getRepetitionPenalty()).isEqualTo(1.5f);
        assertThat(sampling.getTopK()).isEqualTo(40);
        assertThat(sampling.getMinP()).isEqualTo(0.125f);
        assertThat(sampling.getLogitBiasList())
                .containsExactlyInAnyOrder(
                        LogitBias.newBuilder().setToken(65).setBias(-100).build(),
                        LogitBias.newBuilder().setToken(0).setBias(2.5f).build());
    }

    @Test
    void whatIsNotSaidChangesNothing() throws Exception {
        Sampling sampling = sampled(Map.of());

        assertThat(sampling.getTemperature()).isEqualTo(1);
        assertThat(sampling.getTopP()).isEqualTo(1);
        assertThat(sampling.getTopK()).isZero();
        assertThat(sampling.getMinP()).isZero();
        assertThat(sampling.getPresencePenalty()).isZero();
        assertThat(sampling.getFrequencyPenalty()).isZero();
        assertThat(sampling.getRepetitionPenalty()).isEqualTo(1);
        assertThat(sampling.getLogitBiasList()).isEmpty();
    }

    private Sampling sampled(Map<String, Object> more) throws Exception {
        Map<String, Object> body = new HashMap<>(Served.chat(false));
        body.putAll(more);
        var asked = CompletableFuture.supplyAsync(() -> given().header("Authorization", "Bearer " + tenant.key())
                .contentType("application/json")
                .body(body)
                .post("/v1/chat/completions"));
        var job = peer.awaitJob(tenant.id());
        peer.answer(job, "fine");
        assertThat(asked.get().statusCode()).isEqualTo(200);
        return job.getSampling();
    }
}
