package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The starter model's own tokenizer and template against what its recipe recorded from Python's libraries. */
class StarterModelTest {
    private static final Path STARTER =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("starter-model");
    private static final Path MODEL = STARTER.resolve("model");
    private static final Tokenizer TOKENIZER = Tokenizer.load(MODEL);
    private static final ChatEncoder ENCODER = ChatEncoder.load(MODEL, TOKENIZER);

    static Stream<JsonNode> chats() throws IOException {
        JsonNode goldens =
                Goldens.JSON.readTree(STARTER.resolve("goldens/chats.json").toFile());
        return StreamSupport.stream(goldens.spliterator(), false);
    }

    @ParameterizedTest
    @MethodSource("chats")
    void encodes_as_the_model_was_trained(JsonNode golden) {
        List<Map<String, Object>> tools = golden.get("tools").isNull() ? List.of() : Goldens.maps(golden.get("tools"));
        int[] tokens = ENCODER.encode(
                Goldens.maps(golden.get("messages")),
                tools,
                golden.get("add_generation_prompt").asBoolean());
        assertThat(tokens).as(golden.get("name").asText()).containsExactly(Goldens.ints(golden.get("ids")));
        assertThat(TOKENIZER.decode(tokens)).isEqualTo(golden.get("text").asText());
    }
}
