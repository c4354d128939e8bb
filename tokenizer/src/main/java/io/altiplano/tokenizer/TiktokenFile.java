package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Meta's {@code tokenizer.model}: tiktoken's format, a line a token, its bytes in base64 and its rank, which is its id. The file
 * says neither where a text is cut nor what the special tokens are: both are Llama 3's ({@link BpeVocabulary#SPLIT}, {@link
 * #SPECIAL}), the 256 special ones after the last rank; names that {@code tokenizer_config.json} gives in {@code
 * added_tokens_decoder} win.
 *
 * <p>tiktoken merges the adjacent pair whose union has the lowest rank. As merge rules that is every way to cut a token into
 * two others, in order of the token's rank, then of the parts': the conversion that Hugging Face's own checkpoints are made by.
 */
final class TiktokenFile {
    static final String NAME = "tokenizer.model";

    private static final long MOST_BYTES = 64L << 20;
    private static final int LONGEST_TOKEN = 1024;
    private static final int SPECIAL_COUNT = 256;
    private static final List<String> SPECIAL = List.of(
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|reserved_special_token_0|>",
            "<|reserved_special_token_1|>",
            "<|finetune_right_pad_id|>",
            "<|reserved_special_token_2|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eom_id|>",
            "<|eot_id|>",
            "<|python_tag|>");
    /** Those among {@link #SPECIAL} that are reserved; the rest go on from there. */
    private static final int RESERVED_BEFORE = 3;

    private TiktokenFile() {}

    /**
     * The tree of the {@code tokenizer.json} that the directory would have.
     *
     * @throws InvalidTokenizerException naming the line that is wrong
     */
    static ObjectNode read(Path modelDir) {
        Path file = modelDir.resolve(NAME);
        Map<String, Integer> ranks = ranks(file);
        return new BpeVocabulary(ranks, merges(ranks), special(modelDir, ranks.size())).tokenizerJson();
    }

    private static Map<String, Integer> ranks(Path file) {
        String text = text(file);
        Map<String, Integer> ranks = new LinkedHashMap<>();
        int number = 0;
        for (String line : (Iterable<String>) text.lines()::iterator) {
            number++;
            int blank = line.indexOf(' ');
            int rank = blank < 0 ? -1 : whole(line.substring(blank + 1));
            if (rank != ranks.size()) {
                throw new InvalidTokenizerException("%s: line %d must be a token in base64, a blank and the rank %d"
                        .formatted(file, number, ranks.size()));
            }
            byte[] bytes = base64(line.substring(0, blank));
            if (bytes.length == 0 || bytes.length > LONGEST_TOKEN) {
                throw new InvalidTokenizerException(
                        "%s: line %d is no token of 1 to %d bytes in base64".formatted(file, number, LONGEST_TOKEN));
            }
            if (ranks.put(ByteAlphabet.entry(bytes), rank) != null) {
                throw new InvalidTokenizerException(
                        "%s: line %d has a token that was there before".formatted(file, number));
            }
        }
        for (int b = 0; b < 256; b++) {
            if (!ranks.containsKey(ByteAlphabet.entry(new byte[] {(byte) b}))) {
                throw new InvalidTokenizerException(
                        "%s has no token for the single byte %d: it is truncated".formatted(file, b));
            }
        }
        return ranks;
    }

    private static String text(Path file) {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new InvalidTokenizerException(file + " is larger than 64 MiB: no vocabulary");
            }
            byte[] bytes = Files.readAllBytes(file);
            if (bytes.length > 1 && bytes[0] == '\n') {
                throw new InvalidTokenizerException(file + " is a SentencePiece model, not tiktoken's format;"
                        + " a checkpoint that has it needs its tokenizer.json");
            }
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new InvalidTokenizerException(file + " cannot be read: " + ModelFiles.firstLine(e), e);
        }
    }

    private static int whole(String digits) {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** Empty for what is no base64. */
    private static byte[] base64(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    private static List<BpeVocabulary.Merge> merges(Map<String, Integer> ranks) {
        List<BpeVocabulary.Merge> all = new ArrayList<>();
        Comparator<BpeVocabulary.Merge> byParts = Comparator.<BpeVocabulary.Merge>comparingInt(
                        m -> ranks.getOrDefault(m.left(), 0))
                .thenComparingInt(m -> ranks.getOrDefault(m.right(), 0));
        for (String token : ranks.keySet()) {
            List<BpeVocabulary.Merge> cuts = new ArrayList<>();
            for (int at = 1; at < token.length(); at++) {
                String left = token.substring(0, at);
                String right = token.substring(at);
                if (ranks.containsKey(left) && ranks.containsKey(right)) {
                    cuts.add(new BpeVocabulary.Merge(left, right));
                }
            }
            cuts.sort(byParts);
            all.addAll(cuts);
        }
        return all;
    }

    private static Map<String, Integer> special(Path modelDir, int first) {
        Map<Integer, String> names = new TreeMap<>();
        for (int i = 0; i < SPECIAL_COUNT; i++) {
            names.put(
                    first + i,
                    i < SPECIAL.size()
                            ? SPECIAL.get(i)
                            : "<|reserved_special_token_" + (i - SPECIAL.size() + RESERVED_BEFORE) + "|>");
        }
        JsonNode config = ModelFiles.optional(modelDir, "tokenizer_config.json");
        if (config != null) {
            config.path("added_tokens_decoder").properties().forEach(token -> {
                int id = whole(token.getKey());
                String name = token.getValue().path("content").asText("");
                if (names.containsKey(id) && !name.isEmpty()) {
                    names.put(id, name);
                }
            });
        }
        Map<String, Integer> special = new LinkedHashMap<>();
        names.forEach((id, name) -> {
            if (special.put(name, id) != null) {
                throw new InvalidTokenizerException(
                        modelDir.resolve("tokenizer_config.json") + " names two special tokens '" + name + "'");
            }
        });
        return special;
    }
}
