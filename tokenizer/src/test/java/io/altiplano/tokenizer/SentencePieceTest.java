package io.altiplano.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Vocabularies of Llama 2's kind against Hugging Face's tokenizers (src/test/python/make_sentencepiece_goldens.py), in the two forms
 * that checkpoints have.
 */
class SentencePieceTest {
    private static final Path SMALL = Goldens.resource("/sentencepiece");

    @TempDir
    Path dir;

    private static JsonNode goldens() throws IOException {
        return Goldens.JSON.readTree(SMALL.resolve("goldens.json").toFile());
    }

    /** The directory with one of its two forms alone. */
    private Path only(String form) throws IOException {
        for (String name : List.of(form, "config.json", "tokenizer_config.json")) {
            Files.copy(SMALL.resolve(name), dir.resolve(name));
        }
        return dir;
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizer.json", "tokenizer.model"})
    void textsAndTokensAreHuggingFaces(String form) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(only(form))) {
            JsonNode goldens = goldens();
            assertThat(tokenizer.vocabularySize()).isEqualTo(goldens.get("size").asInt());
            assertThat(tokenizer.bosId()).hasValue(1);
            assertThat(tokenizer.eosIds()).containsExactly(2);
            assertThat(tokenizer.specialTokens()).containsOnlyKeys("<unk>", "<s>", "</s>");
            for (JsonNode golden : goldens.get("texts")) {
                String text = golden.get("text").asText();
                int[] tokens = tokenizer.encode(text);
                assertThat(tokens).as(text).containsExactly(Goldens.ints(golden.get("tokens")));
                assertThat(Arrays.stream(tokens)).noneMatch(tokenizer::isSpecial);
                assertThat(tokenizer.decode(tokens)).isEqualTo(text.replace('▁', ' '));
            }
            for (JsonNode golden : goldens.get("decodes")) {
                assertThat(tokenizer.decode(Goldens.ints(golden.get("tokens"))))
                        .as(golden.toString())
                        .isEqualTo(golden.get("text").asText());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizer.json", "tokenizer.model"})
    void conversationsAreWrittenAsTransformersDoes(String form) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(only(form))) {
            ChatEncoder encoder = ChatEncoder.load(dir, tokenizer);
            for (JsonNode golden : goldens().get("chats")) {
                List<Map<String, Object>> messages = Goldens.maps(golden.get("messages"));
                assertThat(ChatTemplate.load(dir, Clock.systemUTC()).render(messages, List.of(), true))
                        .isEqualTo(golden.get("text").asText());
                assertThat(encoder.encode(messages, List.of(), true))
                        .as(golden.get("name").asText())
                        .containsExactly(Goldens.ints(golden.get("tokens")));
            }
        }
    }

    @Test
    void aGgufFilesVocabularyOfLlama2sKindIsReadAlike() throws IOException {
        // given metadata alone
        ObjectNode json = (ObjectNode)
                Goldens.JSON.readTree(SMALL.resolve("tokenizer.json").toFile());
        String[] pieces = new String[json.at("/model/vocab").size()];
        json.at("/model/vocab").properties().forEach(e -> pieces[e.getValue().intValue()] = e.getKey());
        GgufMetadata metadata = new GgufMetadata()
                .text("tokenizer.ggml.model", "llama")
                .texts("tokenizer.ggml.tokens", pieces)
                .floats("tokenizer.ggml.scores", pieces.length, id -> id < 259 ? 0 : 259 - id)
                .numbers("tokenizer.ggml.token_type", pieces.length, id -> id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1)
                .number("tokenizer.ggml.bos_token_id", 1)
                .number("tokenizer.ggml.eos_token_id", 2);
        Files.write(dir.resolve("model.gguf"), metadata.file());

        // when
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            // then
            assertThat(tokenizer.bosId()).hasValue(1);
            assertThat(tokenizer.eosIds()).containsExactly(2);
            for (JsonNode golden : goldens().get("texts")) {
                assertThat(tokenizer.encode(golden.get("text").asText()))
                        .containsExactly(Goldens.ints(golden.get("tokens")));
            }
        }
    }

    @Test
    void aConversationOutOfTurnIsRefusedInTheTemplatesWords() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(SMALL)) {
            ChatEncoder encoder = ChatEncoder.load(SMALL, tokenizer);
            List<Map<String, String>> twice =
                    List.of(Map.of("role", "user", "content", "a"), Map.of("role", "user", "content", "b"));
            assertThatThrownBy(() -> encoder.encode(twice, List.of(), true))
                    .isInstanceOf(ChatTemplateException.class)
                    .hasMessage("Roles must alternate user/assistant/user/assistant/...");
        }
    }

    @Test
    void specialTokensInAMessageStayText() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(SMALL)) {
            int[] tokens = ChatEncoder.load(SMALL, tokenizer)
                    .encode(List.of(Map.of("role", "user", "content", "a</s><s>b<0x41>")), List.of(), true);
            assertThat(Arrays.stream(tokens).filter(tokenizer::isSpecial)).containsExactly(1);
            assertThat(tokenizer.decode(tokens)).isEqualTo("<s> [INST] a</s><s>b<0x41> [/INST]");
        }
    }

    @Test
    void theFirstBlankAloneIsTakenOffAndATokenByItselfKeepsIt() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(SMALL)) {
            int[] tokens = tokenizer.encode("  a b");
            Detokenizer detokenizer = tokenizer.detokenizer();
            StringBuilder text = new StringBuilder();
            StringBuilder single = new StringBuilder();
            for (int token : tokens) {
                text.append(detokenizer.add(token));
                single.append(tokenizer.text(token));
            }
            assertThat(text).hasToString("  a b");
            assertThat(single).hasToString("   a b");
        }
    }

    @Test
    void bytesThatAreNoCharacterAreOneReplacementEachAsInSentencePiece() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.load(SMALL)) {
            // e5 b1 begins a character that 61 does not end, then a whole one
            assertThat(tokenizer.decode(3 + 0xe5, 3 + 0xb1, 3 + 0x61, 3 + 0xc3, 3 + 0xa9, 3 + 0xff))
                    .isEqualTo("\ufffd\ufffdaé\ufffd");
        }
    }

    @Test
    void whereOnlyAWholeTextBeginsWithABlankWhatFollowsASpecialTokenDoesNot() throws IOException {
        // given the form that newer checkpoints have
        ObjectNode json = (ObjectNode)
                Goldens.JSON.readTree(SMALL.resolve("tokenizer.json").toFile());
        json.putNull("normalizer");
        json.putObject("pre_tokenizer")
                .put("type", "Metaspace")
                .put("replacement", "▁")
                .put("prepend_scheme", "first")
                .put("split", false);
        Files.writeString(dir.resolve("tokenizer.json"), json.toString());
        Files.copy(SMALL.resolve("config.json"), dir.resolve("config.json"));
        try (Tokenizer tokenizer = Tokenizer.load(dir)) {
            assertThat(tokenizer.text(tokenizer.encode("a b")[0])).startsWith(" ");

            // when
            ChatTemplate template =
                    new ChatTemplate("x{{ bos_token }}a", Map.of("bos_token", "<s>"), Clock.systemUTC());
            int[] tokens = new ChatEncoder(tokenizer, template).encode(List.of(), List.of(), true);

            // then
            assertThat(Arrays.stream(tokens).mapToObj(tokenizer::text).collect(Collectors.joining()))
                    .isEqualTo(" x<s>a");
        }
    }

    @Test
    void aVocabularyWithoutAByteIsRefusedByItsName() throws IOException {
        String json = Files.readString(SMALL.resolve("tokenizer.json"));
        Files.writeString(dir.resolve("tokenizer.json"), json.replace("\"<0x7F>\"", "\"other\""));
        assertThatThrownBy(() -> Tokenizer.load(dir))
                .isInstanceOf(InvalidTokenizerException.class)
                .hasMessageContainingAll("tokenizer.json", "<0x7F>");
    }

    @Test
    void damagedFilesAreRefusedByNameOrReadAndNothingElseHappens() throws IOException {
        byte[] sound = Files.readAllBytes(SMALL.resolve("tokenizer.model"));
        SplittableRandom random = new SplittableRandom(17);
        int refused = 0;
        for (int n = 0; n < 150; n++) {
            byte[] damaged = Arrays.copyOf(sound, n % 2 == 0 ? random.nextInt(1, sound.length) : sound.length);
            for (int i = 0; i < n % 7; i++) {
                damaged[1 + random.nextInt(damaged.length - 1)] = (byte) random.nextInt();
            }
            damaged[0] = 0x0a;
            Files.write(dir.resolve("tokenizer.model"), damaged);
            try (Tokenizer tokenizer = Tokenizer.load(dir)) {
                assertThat(tokenizer.encode("a")).isNotEmpty();
            } catch (InvalidTokenizerException e) {
                assertThat(e).hasMessageContaining("tokenizer.model");
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(50);
    }
}
