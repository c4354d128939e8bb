package io.altiplano.worker.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.sampling.SamplingParams.Penalties;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SamplerTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final float[] LOGITS = {0.5f, -1.25f, 2.0f, 2.0f, 0.0f, 1.5f, -30.0f, 1.0f};

    private static final TokenHistory NOTHING = TokenHistory.of(new int[0]);

    private final Sampler sampler = new Sampler();

    @Test
    void greedy_takes_the_lowest_id_of_the_greatest() {
        assertThat(sampler.choose(LOGITS, SamplingParams.greedy(), NOTHING, 0, Set.of()))
                .isEqualTo(2);
    }

    @Test
    void forbidden_tokens_are_not_chosen_at_any_temperature() {
        assertThat(sampler.choose(LOGITS, SamplingParams.greedy(), NOTHING, 0, Set.of(2)))
                .isEqualTo(3);
        assertThat(choices(new SamplingParams(2, 1, 7), Set.of(2, 3), 500)).doesNotContain(2, 3);
    }

    /** By a second implementation, in Python with exact integers: src/test/goldens/sampling.py. */
    @ParameterizedTest
    @MethodSource("committed")
    void choices_are_the_committed_ones(JsonNode vector) {
        float[] logits = floats(vector.get("logits"));
        float[] before = logits.clone();
        TokenHistory history = TokenHistory.of(JSON.convertValue(vector.get("prompt"), int[].class));
        List<Integer> tokens = new ArrayList<>();
        for (int position = 0; position < vector.get("tokens").size(); position++) {
            int token = sampler.choose(logits, params(vector), history, position, Set.of());
            tokens.add(token);
            history.add(token);
        }
        assertThat(tokens).isEqualTo(JSON.convertValue(vector.get("tokens"), new TypeReference<List<Integer>>() {}));
        assertThat(logits).as("the model's own distribution stays").containsExactly(before);
    }

    static Stream<Named<JsonNode>> committed() throws IOException {
        try (InputStream in = Objects.requireNonNull(SamplerTest.class.getResourceAsStream("/sampling/vectors.json"))) {
            return StreamSupport.stream(JSON.readTree(in).spliterator(), false)
                    .map(v -> Named.of(v.get("name").asText(), v));
        }
    }

    private static SamplingParams params(JsonNode v) {
        return new SamplingParams(
                v.get("temperature").floatValue(),
                v.get("top_p").floatValue(),
                v.get("top_k").intValue(),
                v.get("min_p").floatValue(),
                new Penalties(
                        v.get("presence").floatValue(),
                        v.get("frequency").floatValue(),
                        v.get("repetition").floatValue()),
                JSON.convertValue(v.get("bias"), new TypeReference<Map<Integer, Float>>() {}),
                v.get("seed").longValue(),
                v.get("choice").intValue());
    }

    private static float[] floats(JsonNode array) {
        float[] out = new float[array.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = array.get(i).floatValue();
        }
        return out;
    }

    @Test
    void each_answer_of_a_request_has_noise_of_its_own() {
        List<List<Integer>> answers = IntStream.range(0, 8)
                .mapToObj(choice -> new SamplingParams(1, 1, 0, 0, Penalties.NONE, Map.of(), 42, choice))
                .map(p -> Arrays.stream(choices(p, Set.of(), 24)).boxed().toList())
                .toList();
        assertThat(answers).doesNotHaveDuplicates();
        assertThat(answers.getFirst())
                .isEqualTo(Arrays.stream(choices(new SamplingParams(1, 1, 42), Set.of(), 24))
                        .boxed()
                        .toList());
    }

    @Test
    void a_choice_depends_on_seed_and_position_alone() {
        SamplingParams params = new SamplingParams(1, 0.95f, 11);
        int[] forwards = choices(params, Set.of(), 50);
        Sampler another = new Sampler();
        for (int position = 49; position >= 0; position--) {
            assertThat(another.choose(LOGITS, params, NOTHING, position, Set.of()))
                    .isEqualTo(forwards[position]);
        }
    }

    @Test
    void frequencies_are_the_softmax_at_the_temperature() {
        int draws = 40_000;
        int[] counts = new int[LOGITS.length];
        for (int choice : choices(new SamplingParams(0.7f, 1, 3), Set.of(), draws)) {
            counts[choice]++;
        }
        double norm = IntStream.range(0, LOGITS.length)
                .mapToDouble(i -> Math.exp(LOGITS[i] / 0.7))
                .sum();
        for (int id = 0; id < LOGITS.length; id++) {
            double p = Math.exp(LOGITS[id] / 0.7) / norm;
            assertThat((double) counts[id] / draws).isCloseTo(p, within(5 * Math.sqrt(p * (1 - p) / draws) + 1e-9));
        }
    }

    @Test
    void the_nucleus_is_the_fewest_tokens_that_reach_top_p() {
        float[] logits = {(float) Math.log(0.4), (float) Math.log(0.3), (float) Math.log(0.2), (float) Math.log(0.1)};
        assertThat(distinct(logits, 0.39f)).containsExactly(0);
        assertThat(distinct(logits, 0.41f)).containsExactly(0, 1);
        assertThat(distinct(logits, 0.69f)).containsExactly(0, 1);
        assertThat(distinct(logits, 0.71f)).containsExactly(0, 1, 2);
        assertThat(distinct(logits, 1f)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void equal_weights_enter_the_nucleus_by_ascending_id() {
        assertThat(distinct(new float[] {1, 1, 1, 1}, 0.5f)).containsExactly(0, 1);
    }

    @Test
    void logits_that_are_no_numbers_are_refused() {
        assertThatThrownBy(
                        () -> sampler.choose(new float[] {1, Float.NaN}, SamplingParams.greedy(), NOTHING, 0, Set.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("token 1");
        assertThatThrownBy(() -> sampler.choose(
                        new float[] {Float.POSITIVE_INFINITY}, SamplingParams.greedy(), NOTHING, 0, Set.of()))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void parameters_out_of_range_are_refused_by_name() {
        assertThatThrownBy(() -> new SamplingParams(Float.NaN, 1, 0)).hasMessageContaining("temperature");
        assertThatThrownBy(() -> new SamplingParams(2.1f, 1, 0)).hasMessageContaining("temperature");
        assertThatThrownBy(() -> new SamplingParams(1, 0, 0)).hasMessageContaining("top_p");
        assertThatThrownBy(() -> extras(-1, 0, Penalties.NONE, Map.of(), 0)).hasMessageContaining("top_k");
        assertThatThrownBy(() -> extras(0, 1.1f, Penalties.NONE, Map.of(), 0)).hasMessageContaining("min_p");
        assertThatThrownBy(() -> extras(0, Float.NaN, Penalties.NONE, Map.of(), 0))
                .hasMessageContaining("min_p");
        assertThatThrownBy(() -> extras(0, 0, Penalties.NONE, Map.of(7, 100.5f), 0))
                .hasMessageContaining("logit_bias of token 7");
        assertThatThrownBy(() -> extras(0, 0, Penalties.NONE, Map.of(), -1)).hasMessageContaining("choice");
        assertThatThrownBy(() -> new Penalties(2.5f, 0, 1)).hasMessageContaining("presence_penalty");
        assertThatThrownBy(() -> new Penalties(0, Float.NaN, 1)).hasMessageContaining("frequency_penalty");
        assertThatThrownBy(() -> new Penalties(0, 0, 0)).hasMessageContaining("repetition_penalty");
    }

    @Test
    void log_probabilities_are_of_the_models_own_distribution_likeliest_first() {
        TokenLogprobs logprobs = TokenLogprobs.of(LOGITS, 4, 3);
        assertThat(logprobs.topIds()).containsExactly(2, 3, 5);
        assertThat(logprobs.topLogprobs()[0]).isEqualTo(logprobs.topLogprobs()[1]);
        assertThat(logprobs.topLogprobs()[0] - logprobs.chosen()).isCloseTo(2f, within(1e-6f));

        TokenLogprobs all = TokenLogprobs.of(LOGITS, 0, 20);
        double sum = 0;
        for (float logprob : all.topLogprobs()) {
            sum += Math.exp(logprob);
        }
        assertThat(all.topIds()).hasSize(LOGITS.length);
        assertThat(sum).isCloseTo(1, within(1e-6));
        assertThat(TokenLogprobs.of(LOGITS, 0, 0).topIds()).isEmpty();
    }

    private static SamplingParams extras(
            int topK, float minP, Penalties penalties, Map<Integer, Float> bias, int choice) {
        return new SamplingParams(1, 1, topK, minP, penalties, bias, 0, choice);
    }

    private int[] choices(SamplingParams params, Set<Integer> forbidden, int count) {
        return IntStream.range(0, count)
                .map(position -> sampler.choose(LOGITS, params, NOTHING, position, forbidden))
                .toArray();
    }

    private int[] distinct(float[] logits, float topP) {
        SamplingParams params = new SamplingParams(1, topP, 1);
        return IntStream.range(0, 400)
                .map(position -> sampler.choose(logits, params, NOTHING, position, Set.of()))
                .distinct()
                .sorted()
                .toArray();
    }
}
