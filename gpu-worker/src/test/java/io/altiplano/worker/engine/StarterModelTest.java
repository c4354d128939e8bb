package io.altiplano.worker.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.sampling.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The starter model's greedy answers against those that its recipe recorded from transformers. */
class StarterModelTest {
    private static final Path STARTER =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("starter-model");

    @Test
    void greedy_answers_are_those_of_transformers() throws IOException, InterruptedException {
        JsonNode goldens = new ObjectMapper()
                .readTree(STARTER.resolve("goldens/greedy.json").toFile());
        try (ServedModel served = TinyModels.open(STARTER.resolve("model"), new EngineOptions(4, 256, 256))) {
            for (JsonNode golden : goldens) {
                List<Integer> expected = untilEnd(ints(golden.get("ids")), served);
                GenerationRequest request =
                        GenerationRequest.of(ints(golden.get("prompt")), SamplingParams.greedy(), expected.size());
                assertThat(Answers.run(served.engine(), request).tokens())
                        .as(golden.get("chat").asText())
                        .isEqualTo(expected);
            }
        }
    }

    /** The recording goes on after an end token; an answer does not. */
    private static List<Integer> untilEnd(int[] ids, ServedModel served) {
        int end = 0;
        while (end < ids.length && !served.tokenizer().eosIds().contains(ids[end])) {
            end++;
        }
        return Arrays.stream(ids).limit(Math.min(end + 1L, ids.length)).boxed().toList();
    }

    private static int[] ints(JsonNode array) {
        return new ObjectMapper().convertValue(array, int[].class);
    }
}
