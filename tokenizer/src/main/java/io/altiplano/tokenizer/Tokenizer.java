package io.altiplano.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.foreign.Arena;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A model's BPE tokenizer, read from its Hugging Face directory: byte-level, as of Llama 3, or SentencePiece's with byte fallback, as
 * of Llama 2.
 *
 * <p>The native tokenizer is given a {@code tokenizer.json} without its special tokens, so that no text can ever become one:
 * special tokens are ids that the chat template puts in ({@link ChatEncoder}) and the model puts out, never something
 * that a user writes. Nothing is added around a text and nothing is cut off it.
 *
 * <p>Safe for use by many threads.
 */
public final class Tokenizer implements AutoCloseable {
    /** Longest text that is encoded at once, in UTF-16 units; a longer run of blanks would end the native library, and the process. */
    public static final int LONGEST_TEXT = 1 << 23;

    private static final Cleaner CLEANER = Cleaner.create();

    static {
        // The native library's loader would otherwise look for a GPU and a build for it on the network.
        if (System.getProperty("RUST_FLAVOR") == null && System.getenv("RUST_FLAVOR") == null) {
            System.setProperty("RUST_FLAVOR", "cpu");
        }
        LibUtils.checkStatus();
    }

    private final Encoders encoders;
    private final Decoding decoding;
    private final Cleaner.Cleanable nativeMemory;
    private final byte[][] bytes;
    private final boolean[] special;
    private final int longestToken;
    private final Map<String, Integer> specialIds;
    private final OptionalInt bosId;
    private final Set<Integer> eosIds;

    /** Native tokenizers: of a text's beginning, and of what stands inside it, behind a special token. */
    private record Encoders(long first, long inside) {
        void delete() {
            TokenizersLibrary.LIB.deleteTokenizer(first);
            if (inside != first) {
                TokenizersLibrary.LIB.deleteTokenizer(inside);
            }
        }
    }

    /**
     * How tokens become text.
     *
     * @param byByte whether each byte that is part of no character is U+FFFD, as in SentencePiece; else each maximal subpart is
     * @param takesFirstBlank whether a blank that a text begins with is taken off
     */
    record Decoding(boolean byByte, boolean takesFirstBlank) {}

    private Tokenizer(
            Encoders encoders,
            Decoding decoding,
            byte[][] bytes,
            Map<String, Integer> specialIds,
            OptionalInt bosId,
            Set<Integer> eosIds) {
        this.encoders = encoders;
        this.decoding = decoding;
        this.nativeMemory = CLEANER.register(this, encoders::delete);
        this.bytes = bytes;
        this.specialIds = specialIds;
        this.bosId = bosId;
        this.eosIds = eosIds;
        this.longestToken =
                Math.max(1, Arrays.stream(bytes).mapToInt(b -> b.length).max().orElse(1));
        this.special = new boolean[bytes.length];
        specialIds.values().forEach(id -> special[id] = true);
    }

    /**
     * Reads {@code tokenizer.json} or, where there is none, {@code tokenizer.model} in tiktoken's format ({@link
     * TiktokenFile}) or SentencePiece's ({@link SentencePieceFile}) or the vocabulary of the one {@code .gguf} file, and the begin and end tokens of {@code generation_config.json} or {@code config.json}.
     *
     * @throws InvalidTokenizerException if a file is missing, unreadable, or another kind of tokenizer
     */
    public static Tokenizer load(Path modelDir) {
        Path file = modelDir.resolve("tokenizer.json");
        ObjectNode json;
        if (!Files.isRegularFile(file) && Files.isRegularFile(modelDir.resolve(TiktokenFile.NAME))) {
            file = modelDir.resolve(TiktokenFile.NAME);
            json = SentencePieceFile.is(file) ? SentencePieceFile.read(file) : TiktokenFile.read(modelDir);
        } else if (!Files.isRegularFile(file) && GgufFile.in(modelDir) != null) {
            return ofGguf(Objects.requireNonNull(GgufFile.in(modelDir), "found a moment ago"));
        } else {
            json = (ObjectNode) ModelFiles.required(modelDir, "tokenizer.json");
        }
        return of(
                json,
                file,
                modelDir,
                ModelFiles.ids(modelDir, "bos_token_id"),
                ModelFiles.ids(modelDir, "eos_token_id"));
    }

    private static Tokenizer ofGguf(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            GgufVocabulary found = GgufVocabulary.of(GgufFile.open(file, arena));
            return of(found.tokenizerJson(file), file, file, found.bos(), found.eos());
        } catch (InvalidGgufException e) {
            throw new InvalidTokenizerException(String.valueOf(e.getMessage()), e);
        }
    }

    private static Tokenizer of(ObjectNode json, Path file, Path where, List<Integer> bos, List<Integer> eos) {
        boolean sentencePiece = SentencePieces.isTree(json);
        if (!sentencePiece) {
            requireByteLevelBpe(json, file);
        }
        TokenizerLimits.require(json, file);
        Map<String, Integer> special = takeSpecialTokens(json);
        byte[][] bytes = vocabulary(json, special, file, sentencePiece);
        for (int id : concat(bos, eos)) {
            if (id >= bytes.length) {
                throw new InvalidTokenizerException(
                        where + ": the configuration names token " + id + ", but " + file.getFileName() + " ends at "
                                + (bytes.length - 1) + "; the files are of different models");
            }
        }
        long first = create(json, file);
        Encoders encoders = new Encoders(first, createInside(json, first, file));
        return new Tokenizer(
                encoders,
                new Decoding(sentencePiece, sentencePiece && SentencePieces.takesFirstBlank(json)),
                bytes,
                special,
                bos.isEmpty() ? OptionalInt.empty() : OptionalInt.of(bos.getFirst()),
                Collections.unmodifiableSet(new LinkedHashSet<>(eos)));
    }

    /**
     * A text's token ids. Special tokens in the text are plain text; unpaired surrogates count as U+FFFD.
     *
     * @return ids in [0, {@link #vocabularySize()}), empty for an empty text
     * @throws IllegalArgumentException if the text is longer than {@link #LONGEST_TEXT}
     */
    public int[] encode(String text) {
        return encode(encoders.first, text);
    }

    /** As {@link #encode(String)}, of a text that stands behind a special token: vocabularies may put a blank before a whole text alone. */
    int[] encodeInside(String text) {
        return encode(encoders.inside, text);
    }

    private int[] encode(long handle, String text) {
        if (text.isEmpty()) {
            return new int[0];
        }
        if (text.length() > LONGEST_TEXT) {
            throw new IllegalArgumentException(
                    "a text of " + text.length() + " characters; at most " + LONGEST_TEXT + " are encoded at once");
        }
        TokenizersLibrary lib = TokenizersLibrary.LIB;
        long encoding = lib.encode(handle, wellFormed(text), false);
        try {
            long[] ids = lib.getTokenIds(encoding);
            int[] out = new int[ids.length];
            for (int i = 0; i < out.length; i++) {
                out[i] = Math.toIntExact(ids[i]);
            }
            return out;
        } finally {
            lib.deleteEncoding(encoding);
            Reference.reachabilityFence(this);
        }
    }

    /**
     * The text of token ids, special tokens as they are written in the vocabulary; bytes that are no UTF-8 become U+FFFD.
     *
     * @throws IllegalArgumentException if an id is outside the vocabulary
     */
    public String decode(int... ids) {
        Detokenizer detokenizer = new Detokenizer(this, false);
        StringBuilder out = new StringBuilder();
        for (int id : ids) {
            out.append(detokenizer.add(id));
        }
        return out.append(detokenizer.end()).toString();
    }

    /** The text of one token where it stands inside an answer: with its blanks. Bytes that are no character become U+FFFD. */
    public String text(int id) {
        return new String(bytesUnshared(id), StandardCharsets.UTF_8);
    }

    /** An incremental decoder of a model's answer: special tokens have no text. */
    public Detokenizer detokenizer() {
        return new Detokenizer(this, true);
    }

    /** One more than the greatest token id of the tokenizer; a model's matrices may be padded beyond it. */
    public int vocabularySize() {
        return bytes.length;
    }

    /**
     * A number of tokens that a text has at least, found without encoding it: whoever limits lengths can refuse a text that is
     * far too long at no cost.
     */
    public int leastTokens(String text) {
        return (text.length() + longestToken - 1) / longestToken;
    }

    /**
     * The bytes that a token stands for; a special token's are its name's. Empty for an id that the vocabulary leaves out.
     *
     * @throws IllegalArgumentException if the id is outside the vocabulary
     */
    public byte[] bytes(int id) {
        return bytesUnshared(id).clone();
    }

    /** Whether an id is a special token: one that has no text in an answer. */
    public boolean isSpecial(int id) {
        return id >= 0 && id < special.length && special[id];
    }

    /** The special tokens by what the chat template writes for them, e.g. {@code <|eot_id|>}. */
    public Map<String, Integer> specialTokens() {
        return specialIds;
    }

    /** The token that begins every text, if the model has one. */
    public OptionalInt bosId() {
        return bosId;
    }

    /** The tokens that end an answer. */
    public Set<Integer> eosIds() {
        return eosIds;
    }

    /** Frees the native tokenizer; use after this is an error. */
    @Override
    public void close() {
        nativeMemory.clean();
    }

    Decoding decoding() {
        return decoding;
    }

    byte[] bytesUnshared(int id) {
        if (id < 0 || id >= bytes.length) {
            throw new IllegalArgumentException(
                    "token " + id + " is outside the vocabulary of " + bytes.length + " tokens");
        }
        return bytes[id];
    }

    private static List<Integer> concat(List<Integer> a, List<Integer> b) {
        List<Integer> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    private static void requireByteLevelBpe(JsonNode json, Path file) {
        String model = json.path("model").path("type").asText();
        String decoder = json.path("decoder").path("type").asText();
        if (!model.equals("BPE") || !decoder.equals("ByteLevel")) {
            throw new InvalidTokenizerException(
                    file + " is a " + model + " tokenizer with a " + decoder
                            + " decoder; Altiplano reads byte-level BPE, as of Llama 3 and later, and SentencePiece BPE with byte fallback, as of Llama 2");
        }
    }

    /** Removes the special tokens from the file's tree and returns them by content, longest first. */
    private static Map<String, Integer> takeSpecialTokens(ObjectNode json) {
        Map<String, Integer> special = new LinkedHashMap<>();
        ArrayNode kept = ModelFiles.JSON.createArrayNode();
        List<JsonNode> added = new ArrayList<>();
        json.path("added_tokens").forEach(added::add);
        added.sort((a, b) -> Integer.compare(
                b.path("content").asText().length(), a.path("content").asText().length()));
        for (JsonNode token : added) {
            String content = token.path("content").asText();
            if (!token.path("special").asBoolean()) {
                kept.add(token);
            } else {
                special.put(content, token.path("id").intValue());
            }
        }
        json.set("added_tokens", kept);
        json.remove("post_processor");
        // Named there, and no longer in the vocabulary; every byte has a piece, so nothing is unknown.
        if (json.get("model") instanceof ObjectNode model) {
            model.remove("unk_token");
        }
        json.remove("truncation");
        json.remove("padding");
        return Collections.unmodifiableMap(special);
    }

    private static byte[][] vocabulary(
            ObjectNode json, Map<String, Integer> special, Path file, boolean sentencePiece) {
        if (!(json.path("model").path("vocab") instanceof ObjectNode vocab) || vocab.isEmpty()) {
            throw new InvalidTokenizerException(file + " has no model.vocab; download it again");
        }
        Map<Integer, byte[]> byId = new LinkedHashMap<>();
        special.forEach((content, id) -> {
            vocab.remove(content);
            byId.put(id, content.getBytes(StandardCharsets.UTF_8));
        });
        if (sentencePiece) {
            SentencePieces.requireEveryByte(vocab, file);
        }
        vocab.properties()
                .forEach(e -> byId.put(
                        e.getValue().intValue(),
                        sentencePiece ? SentencePieces.bytes(e.getKey()) : ByteAlphabet.bytes(e.getKey())));
        json.path("added_tokens").forEach(t -> {
            String content = t.path("content").asText();
            byId.put(t.path("id").intValue(), content.getBytes(StandardCharsets.UTF_8));
            // The native tokenizer numbers anew what its vocabulary lacks, and no longer knows of the special tokens
            // before it.
            vocab.put(content, t.path("id").intValue());
        });
        int size = byId.keySet().stream().mapToInt(Integer::intValue).max().orElse(-1) + 1;
        if (size > 4_000_000 || byId.keySet().stream().anyMatch(id -> id < 0)) {
            throw new InvalidTokenizerException(file + " has token ids outside 0 to 4,000,000");
        }
        byte[][] bytes = new byte[size][];
        Arrays.fill(bytes, new byte[0]);
        byId.forEach((id, b) -> bytes[id] = b);
        return bytes;
    }

    /** Where the file says that a blank goes before a whole text alone, one that puts none; else the other handle. */
    private static long createInside(ObjectNode json, long first, Path file) {
        JsonNode cut = json.path("pre_tokenizer");
        if (!cut.path("prepend_scheme").asText().equals("first")) {
            return first;
        }
        ObjectNode inside = json.deepCopy();
        ((ObjectNode) inside.get("pre_tokenizer")).put("prepend_scheme", "never");
        return create(inside, file);
    }

    private static long create(ObjectNode json, Path file) {
        try {
            return TokenizersLibrary.LIB.createTokenizerFromString(json.toString());
        } catch (RuntimeException e) {
            throw new InvalidTokenizerException(file + " is refused by the tokenizer: " + ModelFiles.firstLine(e), e);
        }
    }

    /** Java's strings may hold unpaired surrogates, which no UTF-8 can carry. */
    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    return replaceUnpaired(text);
                }
            }
        }
        return text;
    }

    private static String replaceUnpaired(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints()
                .forEach(c ->
                        out.appendCodePoint(c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xfffd : c));
        return out.toString();
    }
}
