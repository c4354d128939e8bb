package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * What a {@code tokenizer.json} may ask of the native tokenizer, which runs it without any bound: its regular expressions backtrack,
 * its normalizers make texts longer. Refused is what need not end or may grow without bound, on any text.
 *
 * <p>A pattern is one of those that are known to end soon on every text: which others do cannot be told from their form, since three
 * repetitions side by side already take the cube of a text's length.
 */
final class TokenizerLimits {
    private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    /** Of Llama 3; of Qwen; of GPT-2, in two spellings; of Llama 4 and GPT-4o. */
    private static final Set<String> KNOWN_PATTERNS = Set.of(
            BpeVocabulary.SPLIT,
            CONTRACTION + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            "[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "*" + LOWER + "+" + CONTRACTION + "?"
                    + "|[^\\r\\n\\p{L}\\p{N}]?" + UPPER + "+" + LOWER + "*" + CONTRACTION + "?"
                    + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

    private static final int MOST_STEPS = 16;
    private static final int MOST_ADDED = 100_000;
    private static final int LONGEST_ADDED = 1000;
    private static final int LONGEST_PREFIX = 16;
    private static final Set<String> LIST_KEYS = Set.of("normalizers", "pretokenizers");

    private final Path file;
    private int steps;

    private TokenizerLimits(Path file) {
        this.file = file;
    }

    /**
     * @throws InvalidTokenizerException naming the file and what it may not ask
     */
    static void require(JsonNode json, Path file) {
        TokenizerLimits limits = new TokenizerLimits(file);
        limits.steps(json.path("normalizer"));
        limits.steps(json.path("pre_tokenizer"));
        limits.added(json.path("added_tokens"));
        if (json.path("model").path("dropout").asDouble(0) != 0) {
            throw limits.invalid("drops merges at random (model.dropout): a text would not have the same tokens twice");
        }
    }

    private void steps(JsonNode step) {
        if (++steps > MOST_STEPS) {
            throw invalid("has more than " + MOST_STEPS + " normalizers and pre-tokenizers");
        }
        JsonNode pattern = step.path("pattern");
        if (pattern.path("Regex").isTextual()) {
            pattern(pattern.path("Regex").asText());
        }
        switch (step.path("type").asText()) {
            case "Replace" -> replaces(pattern, step.path("content").asText());
            case "Prepend" -> {
                if (step.path("prepend").asText().length() > LONGEST_PREFIX) {
                    throw invalid("puts more than " + LONGEST_PREFIX + " characters before a text");
                }
            }
            case "Precompiled" -> throw invalid("has a Precompiled normalizer, whose table is not checked here");
            default -> {}
        }
        for (String key : LIST_KEYS) {
            step.path(key).forEach(this::steps);
        }
    }

    /** What is replaced is at least as long as what comes for it; a pattern may match nothing at all. */
    private void replaces(JsonNode pattern, String content) {
        int least = pattern.path("String").isTextual()
                ? characters(pattern.path("String").asText())
                : 0;
        if (characters(content) > least) {
            throw invalid("has a Replace that makes texts longer: '" + shortened(pattern.toString()) + "' by "
                    + characters(content) + " characters");
        }
    }

    private static int characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private void added(JsonNode tokens) {
        if (tokens.size() > MOST_ADDED) {
            throw invalid("has " + tokens.size() + " added tokens; at most " + MOST_ADDED + " are read");
        }
        Set<String> names = new HashSet<>();
        for (JsonNode token : tokens) {
            String content = token.path("content").asText();
            if (content.isEmpty()
                    || content.length() > LONGEST_ADDED
                    || !token.path("id").canConvertToInt()) {
                throw invalid("has an added token without id or content, or with more than " + LONGEST_ADDED
                        + " characters: " + shortened(token.toString()));
            }
            if (!names.add(content)) {
                throw invalid("has the added token '" + shortened(content) + "' twice");
            }
        }
    }

    private void pattern(String regex) {
        if (!KNOWN_PATTERNS.contains(regex)) {
            throw invalid("has a pattern that is none of Llama's, GPT's and Qwen's, and may take forever on some text: "
                    + shortened(regex));
        }
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }

    private InvalidTokenizerException invalid(String what) {
        return new InvalidTokenizerException(file + " " + what);
    }
}
