package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.LogitBias;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.worker.sampling.SamplingParams;
import io.altiplano.worker.sampling.SamplingParams.Penalties;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RequestsTest {
    private static final Sampling.Builder LEAST =
            Sampling.newBuilder().setTemperature(1).setTopP(1).setSeed(7).setMaxTokens(5);

    @Test
    void every_field_of_the_sampling_record_reaches_the_engine() {
        Sampling all = LEAST.clone()
                .setTemperature(0.5f)
                .setTopP(0.25f)
                .setTopK(9)
                .setMinP(0.125f)
                .setPresencePenalty(1.5f)
                .setFrequencyPenalty(-0.5f)
                .setRepetitionPenalty(1.25f)
                .addLogitBias(LogitBias.newBuilder().setToken(3).setBias(-100))
                .addLogitBias(LogitBias.newBuilder().setToken(0).setBias(2.5f))
                .setChoice(4)
                .build();

        assertThat(params(all))
                .isEqualTo(new SamplingParams(
                        0.5f, 0.25f, 9, 0.125f, new Penalties(1.5f, -0.5f, 1.25f), Map.of(3, -100f, 0, 2.5f), 7, 4));
    }

    @Test
    void a_record_of_an_older_gateway_changes_no_logit() {
        assertThat(params(LEAST.build())).isEqualTo(new SamplingParams(1, 1, 7));
    }

    @Test
    void a_token_that_is_biased_twice_is_refused() {
        LogitBias one = LogitBias.newBuilder().setToken(3).setBias(1).build();
        Sampling twice = LEAST.clone().addLogitBias(one).addLogitBias(one).build();
        assertThatThrownBy(() -> params(twice))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("token 3 twice");
    }

    private static SamplingParams params(Sampling sampling) {
        JobSubmitted job = JobSubmitted.newBuilder()
                .addPromptTokens(1)
                .setSampling(sampling)
                .build();
        return Requests.of(job, JobRelayed.getDefaultInstance(), null).sampling();
    }
}
