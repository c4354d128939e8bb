package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The vocabulary of Llama 3's or Llama 2's kind that a GGUF file carries: {@code tokenizer.ggml.*}.
 *
 * @param tree the {@code tokenizer.json} that it would be
 * @param bos the token that begins every text, if the file names one
 * @param eos the tokens that end an answer: those that the file names, and Llama 3's by name
 */
record GgufVocabulary(Function<Path, ObjectNode> tree, List<Integer> bos, List<Integer> eos) {
    /** llama.cpp's names of Llama 3's way to cut a text. */
    private static final Set<String> LLAMA_3 = Set.of("llama-bpe", "llama3", "llama-v3");

    /** Token types: written in no text. */
    private static final long CONTROL = 3;

    private static final List<String> ENDS = List.of("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>");

    /**
     * Of a file whose metadata was read.
     *
     * @throws InvalidTokenizerException if it is another kind of tokenizer
     */
    static GgufVocabulary of(GgufFile gguf) {
        Path file = gguf.path();
        String model = gguf.text("tokenizer.ggml.model");
        if (model.equals("llama")) {
            return sentencePieces(gguf);
        }
        String cut = gguf.text("tokenizer.ggml.pre");
        if (!model.equals("gpt2") || !LLAMA_3.contains(cut)) {
            throw new InvalidTokenizerException(
                    file + ": tokenizer.ggml.model is '" + model + "' and tokenizer.ggml.pre '" + cut
                            + "'; Altiplano reads byte-level BPE as of Llama 3, gpt2 and llama-bpe, and Llama 2's SentencePiece, llama");
        }
        List<String> names = gguf.texts("tokenizer.ggml.tokens");
        List<Long> types = gguf.numbers("tokenizer.ggml.token_type");
        if (names.isEmpty() || names.size() != types.size()) {
            throw new InvalidTokenizerException(file + " has " + names.size() + " tokens and " + types.size()
                    + " token types: tokenizer.ggml.tokens and token_type must be as many");
        }
        Map<String, Integer> tokens = new LinkedHashMap<>();
        Map<String, Integer> special = new LinkedHashMap<>();
        for (int id = 0; id < names.size(); id++) {
            Map<String, Integer> kind = types.get(id) == CONTROL ? special : tokens;
            if (kind.put(names.get(id), id) != null) {
                throw new InvalidTokenizerException(file + ": token " + id + " has the text of an earlier one");
            }
        }
        Set<Integer> eos = new LinkedHashSet<>();
        for (String key : List.of("eos", "eot", "eom")) {
            eos.addAll(id(gguf, key, names.size()));
        }
        ENDS.forEach(name -> {
            Integer id = special.get(name);
            if (id != null) {
                eos.add(id);
            }
        });
        return new GgufVocabulary(
                treeOf(new BpeVocabulary(tokens, merges(gguf), special)),
                id(gguf, "bos", names.size()),
                List.copyOf(eos));
    }

    ObjectNode tokenizerJson(Path file) {
        return tree.apply(file);
    }

    private static Function<Path, ObjectNode> treeOf(BpeVocabulary vocabulary) {
        return file -> vocabulary.tokenizerJson();
    }

    private static GgufVocabulary sentencePieces(GgufFile gguf) {
        Path file = gguf.path();
        List<String> names = gguf.texts("tokenizer.ggml.tokens");
        List<Long> types = gguf.numbers("tokenizer.ggml.token_type");
        List<Double> scores = gguf.reals("tokenizer.ggml.scores");
        if (names.isEmpty() || names.size() != types.size() || names.size() != scores.size()) {
            throw new InvalidTokenizerException(file + " has " + names.size() + " tokens, " + types.size()
                    + " token types and " + scores.size() + " scores: they must be as many");
        }
        List<SentencePieces.Piece> pieces = new ArrayList<>();
        for (int id = 0; id < names.size(); id++) {
            pieces.add(new SentencePieces.Piece(
                    names.get(id), scores.get(id).floatValue(), SentencePieces.Kind.of(types.get(id), file, id)));
        }
        boolean prefix = gguf.flag("tokenizer.ggml.add_space_prefix", true);
        return new GgufVocabulary(
                new SentencePieces(pieces, prefix)::tokenizerJson,
                id(gguf, "bos", names.size()),
                id(gguf, "eos", names.size()));
    }

    private static List<BpeVocabulary.Merge> merges(GgufFile gguf) {
        List<BpeVocabulary.Merge> merges = new ArrayList<>();
        for (String pair : gguf.texts("tokenizer.ggml.merges")) {
            int blank = pair.indexOf(' ');
            if (blank < 1 || blank == pair.length() - 1) {
                throw new InvalidTokenizerException(
                        gguf.path() + ": tokenizer.ggml.merges holds '" + pair + "', which is no pair");
            }
            merges.add(new BpeVocabulary.Merge(pair.substring(0, blank), pair.substring(blank + 1)));
        }
        return merges;
    }

    private static List<Integer> id(GgufFile gguf, String name, int size) {
        long id = gguf.number("tokenizer.ggml." + name + "_token_id").orElse(-1);
        if (id >= size) {
            throw new InvalidTokenizerException(
                    gguf.path() + ": tokenizer.ggml." + name + "_token_id is " + id + " of " + size + " tokens");
        }
        return id < 0 ? List.of() : List.of((int) id);
    }
}
