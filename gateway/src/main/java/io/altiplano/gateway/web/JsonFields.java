package io.altiplano.gateway.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Takes the fields of a JSON object that has a fixed set of them, such as an admin request's body. A field that is missing,
 * of another type, or unknown ends the request with 400 and the field's path; nothing is converted, and nothing is ignored:
 * a misspelt or smuggled field is an error and not a surprise.
 */
public final class JsonFields {
    /** Longest list taken. */
    private static final int MOST_ELEMENTS = 1000;

    private final ObjectNode node;
    private final String path;
    private final Set<String> known = new HashSet<>();

    private JsonFields(ObjectNode node, String path) {
        this.node = node;
        this.path = path;
    }

    /** The fields of a body. */
    public static JsonFields of(ObjectNode body) {
        return new JsonFields(body, "");
    }

    /** A text of 1 to {@code longest} characters. */
    public String text(String name, int longest) {
        String text = optionalText(name, longest);
        if (text == null) {
            throw missing(name);
        }
        return text;
    }

    /** A text of 1 to {@code longest} characters, or null where the field is absent or null. */
    public @Nullable String optionalText(String name, int longest) {
        return optionalText(name, longest, JsonFields::unprintable);
    }

    /** A text of 1 to {@code longest} characters that may have line breaks and tabs. */
    public String prose(String name, int longest) {
        String text = optionalText(name, longest, c -> unprintable(c) && "\n\r\t".indexOf(c) < 0);
        if (text == null) {
            throw missing(name);
        }
        return text;
    }

    private @Nullable String optionalText(String name, int longest, IntPredicate refused) {
        JsonNode value = value(name);
        if (value == null) {
            return null;
        }
        if (!value.isTextual()) {
            throw wrong(name, "must be a string");
        }
        String text = value.textValue();
        if (text.isBlank() || text.length() > longest) {
            throw wrong(name, "must have 1 to " + longest + " characters, not all blank");
        }
        if (text.codePoints().anyMatch(refused)) {
            throw wrong(name, "must not hold control characters or unpaired surrogates");
        }
        return text;
    }

    /** A whole number of 0 to {@link Long#MAX_VALUE}. */
    public long count(String name) {
        JsonNode value = value(name);
        if (value == null) {
            throw missing(name);
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw wrong(name, "must be a whole number from 0 to " + Long.MAX_VALUE);
        }
        return value.longValue();
    }

    /** A list of texts of 1 to {@code longest} characters each; empty where the field is absent or null. */
    public List<String> texts(String name, int longest) {
        JsonNode value = value(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray() || value.size() > MOST_ELEMENTS) {
            throw wrong(name, "must be an array of at most " + MOST_ELEMENTS + " strings");
        }
        List<String> texts = new ArrayList<>();
        for (JsonNode element : value) {
            if (!element.isTextual()
                    || element.textValue().isBlank()
                    || element.textValue().length() > longest
                    || element.textValue().codePoints().anyMatch(JsonFields::unprintable)) {
                throw wrong(name, "must hold strings of 1 to " + longest + " characters alone");
            }
            texts.add(element.textValue());
        }
        return texts;
    }

    /** True or false. */
    public boolean flag(String name) {
        Boolean flag = optionalFlag(name);
        if (flag == null) {
            throw missing(name);
        }
        return flag;
    }

    /** True or false, or null where the field is absent or null. */
    public @Nullable Boolean optionalFlag(String name) {
        JsonNode value = value(name);
        if (value != null && !value.isBoolean()) {
            throw wrong(name, "must be true or false");
        }
        return value == null ? null : value.booleanValue();
    }

    /** Whether the field is there and not null. */
    public boolean has(String name) {
        return value(name) != null;
    }

    /** A list of objects; empty where the field is absent or null. Each element's own {@link #end()} is the caller's to call. */
    public List<JsonFields> objects(String name) {
        JsonNode value = value(name);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray() || value.size() > MOST_ELEMENTS) {
            throw wrong(name, "must be an array of at most " + MOST_ELEMENTS + " objects");
        }
        List<JsonFields> elements = new ArrayList<>();
        for (JsonNode element : value) {
            String at = path + name + "[" + elements.size() + "]";
            if (!(element instanceof ObjectNode object)) {
                throw new ApiException(ApiError.invalidRequest(at, "invalid_value", at + " must be an object."));
            }
            elements.add(new JsonFields(object, at + "."));
        }
        return elements;
    }

    /** Refuses every field that was not asked for. */
    public void end() {
        node.fieldNames().forEachRemaining(name -> {
            if (!known.contains(name)) {
                String shown = path + name.replaceAll("[^\\x20-\\x7e]|[<>&\"']", "?");
                throw new ApiException(ApiError.invalidRequest(
                        shown,
                        "unknown_field",
                        "Unknown field: " + shown + ". Known here: "
                                + String.join(", ", known.stream().sorted().toList()) + "."));
            }
        });
    }

    /** The answer to a value that is of the right type and still wrong. */
    public ApiException wrong(String name, String requirement) {
        return new ApiException(
                ApiError.invalidRequest(path + name, "invalid_value", path + name + " " + requirement + "."));
    }

    private @Nullable JsonNode value(String name) {
        known.add(name);
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    private ApiException missing(String name) {
        return new ApiException(ApiError.invalidRequest(path + name, "missing_field", path + name + " is required."));
    }

    private static boolean unprintable(int codePoint) {
        return Character.isISOControl(codePoint) || Character.getType(codePoint) == Character.SURROGATE;
    }
}
