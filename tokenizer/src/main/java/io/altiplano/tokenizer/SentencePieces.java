package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A vocabulary of Llama 2's kind from a file other than {@code tokenizer.json}, and the tree that such a file of it would hold:
 * SentencePiece BPE, in which a blank is written {@value #BLANK}, and characters that no piece has are bytes.
 *
 * <p>SentencePiece merges the adjacent pair whose union has the highest score. As merge rules that is every way to cut a piece
 * into two others, by falling score, then length of the left and the right part: the conversion of Hugging Face's transformers.
 *
 * @param pieces by id
 * @param dummyPrefix whether a blank is put before a text
 */
record SentencePieces(List<Piece> pieces, boolean dummyPrefix) {
    static final String BLANK = "▁";
    private static final Pattern BYTE = Pattern.compile("<0x([0-9A-F]{2})>");

    /** What a piece is: the numbers are SentencePiece's and llama.cpp's. */
    enum Kind {
        NORMAL(1),
        UNKNOWN(2),
        CONTROL(3),
        USER_DEFINED(4),
        UNUSED(5),
        BYTE(6);

        private final long number;

        Kind(long number) {
            this.number = number;
        }

        /**
         * @throws InvalidTokenizerException naming the file and the piece
         */
        static Kind of(long number, Path file, int id) {
            for (Kind kind : values()) {
                if (kind.number == number) {
                    return kind;
                }
            }
            throw new InvalidTokenizerException(file + ": piece " + id + " is of the type " + number + ", not 1 to 6");
        }
    }

    /** A piece of text, or what stands for a byte or a special token. */
    record Piece(String text, float score, Kind kind) {}

    private record Merge(String left, String right, float score) {}

    /** Whether a {@code tokenizer.json} is of this kind: bytes for what the vocabulary lacks, and blanks written otherwise. */
    static boolean isTree(JsonNode json) {
        return json.path("model").path("type").asText().equals("BPE")
                && json.path("model").path("byte_fallback").asBoolean()
                && decoders(json).stream().anyMatch(d -> d.path("type").asText().equals("ByteFallback"));
    }

    /** Whether decoding takes the blank off that encoding put before a text. */
    static boolean takesFirstBlank(JsonNode json) {
        return decoders(json).stream()
                .anyMatch(d -> d.path("type").asText().equals("Strip")
                        && d.path("content").asText().equals(" ")
                        && d.path("start").asInt() > 0);
    }

    private static List<JsonNode> decoders(JsonNode json) {
        List<JsonNode> decoders = new ArrayList<>();
        json.path("decoder").path("decoders").forEach(decoders::add);
        return decoders;
    }

    /** The bytes that a vocabulary entry stands for. */
    static byte[] bytes(String entry) {
        Matcher one = BYTE.matcher(entry);
        return one.matches()
                ? new byte[] {(byte) Integer.parseInt(one.group(1), 16)}
                : entry.replace(BLANK, " ").getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Text must never be lost.
     *
     * @throws InvalidTokenizerException naming the byte that has no piece
     */
    static void requireEveryByte(JsonNode vocabulary, Path file) {
        for (int b = 0; b < 256; b++) {
            String name = "<0x%02X>".formatted(b);
            if (!vocabulary.has(name)) {
                throw new InvalidTokenizerException(
                        file + " has no piece " + name + ": some text could not be written; download it again");
            }
        }
    }

    /**
     * The tree.
     *
     * @throws InvalidTokenizerException naming the file and the piece that is there twice
     */
    ObjectNode tokenizerJson(Path file) {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (vocabulary.put(pieces.get(id).text, id) != null) {
                throw new InvalidTokenizerException(
                        file + ": piece " + id + " has the text of an earlier one: " + pieces.get(id).text);
            }
        }
        ObjectNode root = ModelFiles.JSON.createObjectNode();
        ArrayNode added = root.putArray("added_tokens");
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            if (piece.kind == Kind.CONTROL || piece.kind == Kind.UNKNOWN) {
                added.addObject()
                        .put("id", id)
                        .put("content", piece.text)
                        .put("normalized", false)
                        .put("special", true);
            }
        }
        ArrayNode normalizers =
                root.putObject("normalizer").put("type", "Sequence").putArray("normalizers");
        if (dummyPrefix) {
            normalizers.addObject().put("type", "Prepend").put("prepend", BLANK);
        }
        replace(normalizers.addObject(), " ", BLANK);
        ArrayNode decoders = root.putObject("decoder").put("type", "Sequence").putArray("decoders");
        replace(decoders.addObject(), BLANK, " ");
        decoders.addObject().put("type", "ByteFallback");
        decoders.addObject().put("type", "Fuse");
        if (dummyPrefix) {
            decoders.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        ObjectNode model = root.putObject("model")
                .put("type", "BPE")
                .put("fuse_unk", true)
                .put("byte_fallback", true)
                .put("ignore_merges", false);
        ObjectNode vocab = model.putObject("vocab");
        vocabulary.forEach(vocab::put);
        ArrayNode rules = model.putArray("merges");
        merges(vocabulary).forEach(m -> rules.addArray().add(m.left).add(m.right));
        return root;
    }

    private static void replace(ObjectNode node, String what, String by) {
        node.put("type", "Replace").put("content", by).putObject("pattern").put("String", what);
    }

    private List<Merge> merges(Map<String, Integer> vocabulary) {
        List<Merge> merges = new ArrayList<>();
        for (Piece piece : pieces) {
            List<Merge> local = new ArrayList<>();
            String text = piece.text;
            for (int cut = 1; cut < text.length(); cut++) {
                Merge merge = new Merge(text.substring(0, cut), text.substring(cut), piece.score);
                if (vocabulary.containsKey(merge.left) && vocabulary.containsKey(merge.right)) {
                    local.add(merge);
                }
            }
            local.sort(Comparator.<Merge>comparingInt(m -> Objects.requireNonNull(vocabulary.get(m.left)))
                    .thenComparingInt(m -> Objects.requireNonNull(vocabulary.get(m.right))));
            merges.addAll(local);
        }
        // Lengths are in characters, not in UTF-16 units; the sort is stable, as Python's is.
        merges.sort(Comparator.<Merge>comparingDouble(m -> -m.score)
                .thenComparingInt(m -> -m.left.codePointCount(0, m.left.length()))
                .thenComparingInt(m -> -m.right.codePointCount(0, m.right.length())));
        return merges;
    }
}
