package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the JSON files of a Hugging Face model directory that say how its text is written. */
final class ModelFiles {
    static final ObjectMapper JSON = new ObjectMapper();

    private ModelFiles() {}

    /** A JSON file that must be there. */
    static JsonNode required(Path dir, String name) {
        JsonNode node = optional(dir, name);
        if (node == null) {
            throw new InvalidTokenizerException(dir + " has no " + name
                    + ": a Hugging Face model directory holds one; download it with the weights");
        }
        return node;
    }

    /** A JSON file, or null where there is none. */
    static @Nullable JsonNode optional(Path dir, String name) {
        Path file = dir.resolve(name);
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try {
            JsonNode node = JSON.readTree(file.toFile());
            if (node == null || !node.isObject()) {
                throw new InvalidTokenizerException(file + " is not a JSON object; download it again");
            }
            return node;
        } catch (IOException e) {
            throw new InvalidTokenizerException(file + " cannot be read as JSON: " + firstLine(e), e);
        }
    }

    /**
     * Token ids under a key of generation_config.json or, where that has none, of config.json; a single id or a list.
     * Empty if neither names any.
     */
    static List<Integer> ids(Path dir, String key) {
        for (String name : List.of("generation_config.json", "config.json")) {
            JsonNode file = optional(dir, name);
            JsonNode value = file == null ? null : file.get(key);
            if (value == null || value.isNull()) {
                continue;
            }
            List<Integer> ids = new ArrayList<>();
            for (JsonNode one : value.isArray() ? value : List.of(value)) {
                if (!one.canConvertToInt() || one.intValue() < 0) {
                    throw new InvalidTokenizerException(
                            dir.resolve(name) + ": " + key + " must be a token id or a list of them, not " + value);
                }
                ids.add(one.intValue());
            }
            return ids;
        }
        return List.of();
    }

    static String firstLine(Exception e) {
        String message = String.valueOf(e.getMessage());
        int end = message.indexOf('\n');
        return end < 0 ? message : message.substring(0, end);
    }
}
