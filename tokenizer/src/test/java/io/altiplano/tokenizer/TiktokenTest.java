package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Vocabularies in tiktoken's format against tiktoken and Hugging Face's conversion, which agree on every text
 * (src/test/python/make_tiktoken_goldens.py): a small one, and Meta's own where its file lies beside the project, whose licence
 * keeps it out.
 */
class TiktokenTest {
    private static final Path SMALL = Goldens.resource("/tiktoken");
    private static final Path META =
            Path.of(System.getProperty("altiplano.root", "..")).resolve("../shared/llama3/tokenizer.model");

    @TempDir
    Path dir;

    @Test
    void aSmallVocabularyEncodesAndDecodesAsTiktokenAndHuggingFaceDo() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(SMALL)) {
            assertEqual(tokenizer, "goldens.json");
            assertThat(tokenizer.bosId()).hasValue(1200);
            assertThat(tokenizer.eosIds()).containsExactly(1201, 1208, 1209);
            assertThat(tokenizer.specialTokens())
                    .hasSize(256)
                    .containsEntry("<|eot_id|>", 1209)
                    .containsEntry("<|reserved_special_token_247|>", 1455);
        }
    }

    @Test
    @EnabledIf("metasVocabularyIsThere")
    void metasOwnVocabularyEncodesAndDecodesAsTiktokenAndHuggingFaceDo() throws IOException {
        Files.copy(META, dir.resolve("tokenizer.model"));
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            assertEqual(tokenizer, "llama3.json");
            assertThat(tokenizer.specialTokens())
                    .containsEntry("<|begin_of_text|>", 128000)
                    .containsEntry("<|start_header_id|>", 128006)
                    .containsEntry("<|eot_id|>", 128009)
                    .containsEntry("<|reserved_special_token_3|>", 128011)
                    .containsEntry("<|reserved_special_token_247|>", 128255);
        }
    }

    static boolean metasVocabularyIsThere() {
        return Files.isRegularFile(META);
    }

    private static void assertEqual(Tokenizer tokenizer, String name) throws IOException {
        JsonNode goldens = Goldens.JSON.readTree(SMALL.resolve(name).toFile());
        assertThat(tokenizer.vocabularySize()).isEqualTo(goldens.get("size").intValue());
        assertThat(goldens.get("texts")).hasSizeGreaterThan(150);
        for (JsonNode golden : goldens.get("texts")) {
            String text = golden.get("text").asText();
            int[] tokens = tokenizer.encode(text);
            assertThat(tokens).as(text).containsExactly(Goldens.ints(golden.get("tokens")));
            assertThat(Arrays.stream(tokens)).as(text).noneMatch(tokenizer::isSpecial);
            assertThat(tokenizer.decode(tokens)).isEqualTo(text);
        }
        for (JsonNode golden : goldens.get("decodes")) {
            assertThat(tokenizer.decode(Goldens.ints(golden.get("tokens"))))
                    .isEqualTo(golden.get("text").asText());
        }
    }

    @Test
    void aMergeThatIsMissingIsSeen() throws IOException {
        // given the small vocabulary without its last token: the negative control of the comparison above
        List<String> lines = new ArrayList<>(Files.readAllLines(SMALL.resolve("tokenizer.model")));
        lines.removeLast();
        Files.write(dir.resolve("tokenizer.model"), lines);
        JsonNode goldens = Goldens.JSON.readTree(SMALL.resolve("goldens.json").toFile());
        int differing = 0;
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            // when
            for (JsonNode golden : goldens.get("texts")) {
                int[] tokens = tokenizer.encode(golden.get("text").asText());
                differing += Arrays.equals(tokens, Goldens.ints(golden.get("tokens"))) ? 0 : 1;
            }
        }
        // then
        assertThat(differing).isPositive();
    }

    @Test
    void theConfigurationsNamesOfSpecialTokensWin() throws IOException {
        Files.copy(SMALL.resolve("tokenizer.model"), dir.resolve("tokenizer.model"));
        Files.writeString(
                dir.resolve("tokenizer_config.json"),
                "{\"added_tokens_decoder\": {\"1208\": {\"content\": \"<|reserved_special_token_4|>\"}}}");
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("names two special tokens");

        Files.writeString(
                dir.resolve("tokenizer_config.json"),
                "{\"added_tokens_decoder\": {\"1208\": {\"content\": \"<|mine|>\"}, \"7\": {\"content\": \"(\"}}}");
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            assertThat(tokenizer.specialTokens())
                    .containsEntry("<|mine|>", 1208)
                    .doesNotContainKey("<|eom_id|>");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0, IQ== 1, line 1 must be",
        "0, IQ==, line 1 must be",
        "2, !!! 2, line 3 is no token",
        "2, '' , line 3 must be",
        "5, IQ== 5, line 6 has a token that was there before",
        "300, 'IQ== 99999999999', line 301 must be",
    })
    void aLineThatIsWrongIsNamed(int at, String line, String message) throws IOException {
        List<String> lines = new ArrayList<>(Files.readAllLines(SMALL.resolve("tokenizer.model")));
        lines.set(at, line == null ? "" : line);
        Files.write(dir.resolve("tokenizer.model"), lines);
        assertThatThrownBy(() -> Tokenizer.load(dir))
                .isInstanceOf(InvalidTokenizerException.class)
                .hasMessageContaining("tokenizer.model")
                .hasMessageContaining(message);
    }

    @Test
    void aTruncatedFileAndSentencePieceAreRefused() throws IOException {
        List<String> lines = Files.readAllLines(SMALL.resolve("tokenizer.model"));
        Files.write(dir.resolve("tokenizer.model"), lines.subList(0, 200));
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("it is truncated");

        Files.write(dir.resolve("tokenizer.model"), "\n\u000e\n\u0005<unk>".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> Tokenizer.load(dir)).hasMessageContaining("SentencePiece");
    }
}
