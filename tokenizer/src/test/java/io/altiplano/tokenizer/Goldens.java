package io.altiplano.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The tiny tokenizer and what Hugging Face's libraries make of it; written by src/test/python/make_goldens.py. */
final class Goldens {
    static final ObjectMapper JSON = new ObjectMapper();
    static final Path TINY = resource("/tiny");
    static final Tokenizer TOKENIZER = Tokenizer.load(TINY);
    private static final JsonNode ROOT = read();

    private Goldens() {}

    static Stream<JsonNode> of(String key) {
        return StreamSupport.stream(ROOT.get(key).spliterator(), false);
    }

    static int[] ints(JsonNode array) {
        return JSON.convertValue(array, int[].class);
    }

    @SuppressWarnings("unchecked")
    static List<Map<String, Object>> maps(JsonNode array) {
        return JSON.convertValue(array, List.class);
    }

    static Path resource(String name) {
        try {
            return Path.of(Objects.requireNonNull(Goldens.class.getResource(name), name)
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode read() {
        try {
            return JSON.readTree(resource("/goldens.json").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
