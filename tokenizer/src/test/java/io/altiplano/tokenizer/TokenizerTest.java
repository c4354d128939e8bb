package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TokenizerTest {
    private final Tokenizer tokenizer = Goldens.TOKENIZER;

    static Stream<JsonNode> texts() {
        return Goldens.of("texts");
    }

    static Stream<JsonNode> literals() {
        return Goldens.of("literals");
    }

    static Stream<JsonNode> decodes() {
        return Goldens.of("decodes");
    }

    @ParameterizedTest
    @MethodSource("texts")
    void encodes_as_hugging_face_does(JsonNode golden) {
        assertThat(tokenizer.encode(golden.get("text").asText())).containsExactly(Goldens.ints(golden.get("tokens")));
    }

    @ParameterizedTest
    @MethodSource("literals")
    void names_of_special_tokens_in_a_text_stay_text(JsonNode golden) {
        String text = golden.get("text").asText();
        int[] tokens = tokenizer.encode(text);
        assertThat(tokens).containsExactly(Goldens.ints(golden.get("tokens")));
        assertThat(Arrays.stream(tokens)).noneMatch(tokenizer::isSpecial);
        assertThat(tokenizer.decode(tokens)).isEqualTo(text);
    }

    @ParameterizedTest
    @MethodSource("decodes")
    void decodes_bytes_that_are_no_text_as_hugging_face_does(JsonNode golden) {
        assertThat(tokenizer.decode(Goldens.ints(golden.get("tokens"))))
                .isEqualTo(golden.get("text").asText());
    }

    @Test
    void long_texts_are_not_cut_off() {
        String text = "llama ".repeat(20_000);
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    }

    @Test
    void unpaired_surrogates_count_as_replacement_characters() {
        String text = "a\ud83e b\udd99 \ud83e\udd99";
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo("a\ufffd b\ufffd \ud83e\udd99");
    }

    @Test
    void special_tokens_come_from_the_configuration() {
        assertThat(tokenizer.bosId()).hasValue(special("<|begin_of_text|>"));
        assertThat(tokenizer.eosIds())
                .containsExactlyInAnyOrder(special("<|end_of_text|>"), special("<|eom_id|>"), special("<|eot_id|>"));
        assertThat(tokenizer.vocabularySize()).isEqualTo(336);
    }

    @Test
    void every_byte_has_a_token_and_special_tokens_have_their_names_bytes() {
        assertThat(Stream.iterate(0, i -> i + 1)
                        .limit(328)
                        .map(tokenizer::bytes)
                        .filter(b -> b.length == 1))
                .hasSize(256);
        assertThat(tokenizer.bytes(special("<|eot_id|>"))).isEqualTo("<|eot_id|>".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void an_id_outside_the_vocabulary_is_refused() {
        assertThatThrownBy(() -> tokenizer.decode(336))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("336 tokens");
        assertThatThrownBy(() -> tokenizer.bytes(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void a_directory_without_a_tokenizer_is_refused_by_name(@TempDir Path empty) {
        assertThatThrownBy(() -> Tokenizer.load(empty))
                .isInstanceOf(InvalidTokenizerException.class)
                .hasMessageContaining("has no tokenizer.json");
    }

    @Test
    void files_that_are_no_byte_level_bpe_are_refused_with_the_reason(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("tokenizer.json");
        Files.writeString(file, "{\"model\": {\"type\": \"Unigram\"}, \"decoder\": {\"type\": \"Metaspace\"}}");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("Unigram");

        Files.writeString(file, "{broken");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("cannot be read as JSON");

        Files.writeString(file, "[]");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("is not a JSON object");

        Files.writeString(
                file,
                "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [[\"q\", \"z\"]]},"
                        + " \"decoder\": {\"type\": \"ByteLevel\"}}");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("is refused by the tokenizer");
    }

    @Test
    void an_end_token_beyond_the_vocabulary_is_refused(@TempDir Path dir) throws IOException {
        Files.copy(Goldens.TINY.resolve("tokenizer.json"), dir.resolve("tokenizer.json"));
        Files.writeString(dir.resolve("config.json"), "{\"eos_token_id\": 128009}");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("different models");
    }

    private int special(String name) {
        return Objects.requireNonNull(tokenizer.specialTokens().get(name), name);
    }
}
