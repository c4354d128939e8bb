package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * What a {@code tokenizer.json} may ask of the native tokenizer, which runs it without any bound: its regular expressions backtrack,
 * its normalizers make texts longer. Refused is what need not end or may grow without bound, on any text.
 *
 * <p>A pattern may repeat single characters and classes, not groups, and refer to nothing that it has matched: then backtracking takes at most
 * the power of the number of its unbounded repetitions, of which a branch may have {@value #MOST_REPETITIONS}. All patterns in use (Llama's,
 * GPT's, Qwen's) are of this kind.
 */
final class TokenizerLimits {
    private static final int MOST_REPETITIONS = 3;
    private static final int LONGEST_PATTERN = 2000;
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
        if (regex.length() > LONGEST_PATTERN) {
            throw invalid(
                    "has a pattern of " + regex.length() + " characters; at most " + LONGEST_PATTERN + " are read");
        }
        int repetitions = 0;
        boolean group = false;
        for (int i = 0; i < regex.length(); i++) {
            char c = regex.charAt(i);
            boolean afterGroup = group;
            group = false;
            switch (c) {
                case '\\' -> {
                    i++;
                    char escaped = i < regex.length() ? regex.charAt(i) : ' ';
                    if ((escaped >= '1' && escaped <= '9') || escaped == 'k' || escaped == 'g') {
                        throw invalid("has a pattern that refers to what it matched: " + shortened(regex));
                    }
                }
                case '[' -> i = endOfClass(regex, i);
                case '|' -> repetitions = 0;
                case ')' -> group = true;
                case '*', '+' -> {
                    if (i > 0 && isRepetition(regex, i - 1)) {
                        continue; // possessive, or a repetition of a repetition, which onig takes as one
                    }
                    repetitions += unbounded(regex, afterGroup);
                }
                case '{' -> {
                    int end = regex.indexOf('}', i);
                    String counts = end < 0 ? "" : regex.substring(i + 1, end);
                    if (counts.matches("[0-9]*,[0-9]*|[0-9]+")) {
                        boolean endless = counts.endsWith(",");
                        if (afterGroup || counts.replaceAll(".*,", "").length() > 2) {
                            throw invalid("has a pattern that repeats a group, or too often: " + shortened(regex));
                        }
                        repetitions += endless ? unbounded(regex, false) : 0;
                        i = end;
                    }
                }
                default -> {}
            }
            if (repetitions > MOST_REPETITIONS) {
                throw invalid("has a pattern with more than " + MOST_REPETITIONS + " unbounded repetitions in a row: "
                        + shortened(regex));
            }
        }
    }

    private int unbounded(String regex, boolean afterGroup) {
        if (afterGroup) {
            throw invalid(
                    "has a pattern that repeats a group, which may take forever on some text: " + shortened(regex));
        }
        return 1;
    }

    private static boolean isRepetition(String regex, int at) {
        boolean escaped = at > 0 && regex.charAt(at - 1) == '\\';
        return "*+?}".indexOf(regex.charAt(at)) >= 0 && !escaped;
    }

    /** Index of the bracket that closes a class; classes may stand in classes. */
    private int endOfClass(String regex, int from) {
        int depth = 0;
        for (int i = from; i < regex.length(); i++) {
            switch (regex.charAt(i)) {
                case '\\' -> i++;
                case '[' -> depth++;
                case ']' -> {
                    if (--depth == 0) {
                        return i;
                    }
                }
                default -> {}
            }
        }
        throw invalid("has a pattern whose class has no end: " + shortened(regex));
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }

    private InvalidTokenizerException invalid(String what) {
        return new InvalidTokenizerException(file + " " + what);
    }
}
