package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The fields of an OpenAI request, checked as they are taken: absent and null are the same, unknown fields are let be,
 * because clients send many; a known field of the wrong type or range is 400 and named.
 */
final class Fields {
    private final ObjectNode node;
    private final String at;

    /** @param at what stands before a field's name in errors, e.g. "messages[0]." */
    Fields(ObjectNode node, String at) {
        this.node = node;
        this.at = at;
    }

    /** The value, or null where it is absent or null. */
    @Nullable
    JsonNode get(String name) {
        JsonNode value = node.get(name);
        return value == null || value.isNull() ? null : value;
    }

    @Nullable
    String text(String name) {
        JsonNode value = get(name);
        if (value != null && !value.isTextual()) {
            throw invalid(name, "must be a string, not " + kind(value));
        }
        return value == null ? null : value.textValue();
    }

    String requiredText(String name) {
        String text = text(name);
        if (text == null || text.isEmpty()) {
            throw new ApiException(
                    ApiError.invalidRequest(at + name, "missing_required_parameter", at + name + " is required."));
        }
        return text;
    }

    boolean flag(String name) {
        JsonNode value = get(name);
        if (value != null && !value.isBoolean()) {
            throw invalid(name, "must be true or false, not " + kind(value));
        }
        return value != null && value.booleanValue();
    }

    OptionalInt whole(String name, int least, int most) {
        JsonNode value = get(name);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (!value.isIntegralNumber()
                || !value.canConvertToInt()
                || value.intValue() < least
                || value.intValue() > most) {
            throw invalid(name, "must be a whole number from " + least + " to " + most);
        }
        return OptionalInt.of(value.intValue());
    }

    OptionalLong whole(String name) {
        JsonNode value = get(name);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw invalid(name, "must be a whole number of 64 bits");
        }
        return OptionalLong.of(value.longValue());
    }

    double number(String name, double least, double most, double otherwise) {
        JsonNode value = get(name);
        if (value == null) {
            return otherwise;
        }
        // Written so that NaN fails too.
        if (!value.isNumber() || !(value.doubleValue() >= least && value.doubleValue() <= most)) {
            throw invalid(name, "must be a number from " + plain(least) + " to " + plain(most));
        }
        return value.doubleValue();
    }

    /** A field that other platforms know and this one does not yet: absent, or a value that changes nothing, or 400. */
    void mustBeNeutral(String name, boolean neutral, String what) {
        if (!neutral) {
            throw new ApiException(ApiError.invalidRequest(at + name, "unsupported_parameter", at + name + " " + what));
        }
    }

    ApiException invalid(String name, String requirement) {
        return new ApiException(
                ApiError.invalidRequest(at + name, "invalid_value", at + name + " " + requirement + "."));
    }

    static String kind(JsonNode value) {
        return switch (value.getNodeType()) {
            case ARRAY -> "an array";
            case OBJECT -> "an object";
            case STRING -> "a string";
            case NUMBER -> "a number";
            case BOOLEAN -> "a boolean";
            default -> "null";
        };
    }

    private static String plain(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }
}
