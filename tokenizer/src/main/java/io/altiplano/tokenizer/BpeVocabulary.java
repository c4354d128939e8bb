package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;

/**
 * A Llama 3 vocabulary from a file other than {@code tokenizer.json}, and the tree that such a file of it would hold: what
 * Hugging Face's converters write.
 *
 * @param tokens in the byte alphabet, by id; special tokens not among them
 * @param merges pairs of tokens, in order of precedence
 * @param special special tokens' ids by name
 */
record BpeVocabulary(Map<String, Integer> tokens, List<Merge> merges, Map<String, Integer> special) {
    /** Where Llama 3 cuts a text before merging. */
    static final String SPLIT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /** Two tokens that become one. */
    record Merge(String left, String right) {}

    ObjectNode tokenizerJson() {
        ObjectNode root = ModelFiles.JSON.createObjectNode();
        ArrayNode added = root.putArray("added_tokens");
        special.forEach((name, id) -> added.addObject()
                .put("id", id)
                .put("content", name)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false)
                .put("special", true));
        ObjectNode cut = root.putObject("pre_tokenizer").put("type", "Sequence");
        ObjectNode split = cut.putArray("pretokenizers").addObject();
        split.put("type", "Split").put("behavior", "Isolated").put("invert", false);
        split.putObject("pattern").put("Regex", SPLIT);
        byteLevel(cut.withArray("pretokenizers").addObject());
        byteLevel(root.putObject("decoder"));
        ObjectNode model = root.putObject("model")
                .put("type", "BPE")
                .put("fuse_unk", false)
                .put("byte_fallback", false)
                .put("ignore_merges", true);
        ObjectNode vocab = model.putObject("vocab");
        tokens.forEach(vocab::put);
        ArrayNode pairs = model.putArray("merges");
        for (Merge merge : merges) {
            pairs.addArray().add(merge.left).add(merge.right);
        }
        return root;
    }

    private static void byteLevel(ObjectNode node) {
        node.put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", false);
    }
}
