package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code messages} into what chat templates take: text content, and tool calls with their arguments as objects. */
final class MessageReader {
    private static final int MOST = 4096;

    private MessageReader() {}

    /** The conversation. */
    record Messages(List<Map<String, Object>> messages) {}

    static Messages read(@Nullable JsonNode node) {
        if (node == null || node.isNull()) {
            throw new ApiException(
                    ApiError.invalidRequest("messages", "missing_required_parameter", "messages is required."));
        }
        if (!(node instanceof ArrayNode array) || array.isEmpty() || array.size() > MOST) {
            throw ChatRequestReader.invalid("messages", "messages must be an array of 1 to " + MOST + " messages.");
        }
        List<Map<String, Object>> messages = new ArrayList<>();
        for (JsonNode message : array) {
            String at = "messages[" + messages.size() + "]";
            if (!(message instanceof ObjectNode object)) {
                throw ChatRequestReader.invalid(at, at + " must be an object.");
            }
            messages.add(message(new Fields(object, at + ".")));
        }
        return new Messages(messages);
    }

    private static Map<String, Object> message(Fields fields) {
        String role = fields.requiredText("role");
        Map<String, Object> message = new LinkedHashMap<>();
        switch (role) {
            case "system", "developer" -> {
                message.put("role", "system");
                message.put("content", requiredContent(fields));
            }
            case "user" -> {
                message.put("role", "user");
                message.put("content", requiredContent(fields));
            }
            case "tool" -> {
                fields.requiredText("tool_call_id");
                message.put("role", "tool");
                message.put("content", requiredContent(fields));
            }
            case "assistant" -> assistant(fields, message);
            default -> throw fields.invalid("role", "must be one of system, developer, user, assistant, tool");
        }
        return message;
    }

    private static void assistant(Fields fields, Map<String, Object> message) {
        message.put("role", "assistant");
        String content = content(fields);
        List<Map<String, Object>> calls = toolCalls(fields);
        if (content == null && calls.isEmpty()) {
            content = fields.text("refusal");
        }
        if (content == null && calls.isEmpty()) {
            throw fields.invalid("content", "is required in an assistant's message without tool_calls");
        }
        message.put("content", content == null ? "" : content);
        if (!calls.isEmpty()) {
            message.put("tool_calls", calls);
        }
    }

    private static String requiredContent(Fields fields) {
        String content = content(fields);
        if (content == null) {
            throw fields.invalid("content", "is required: a string, or an array of text parts");
        }
        return content;
    }

    private static @Nullable String content(Fields fields) {
        JsonNode content = fields.get("content");
        if (content == null) {
            return null;
        }
        if (content.isTextual()) {
            return content.textValue();
        }
        if (!(content instanceof ArrayNode parts)) {
            throw fields.invalid("content", "must be a string or an array of parts, not " + Fields.kind(content));
        }
        StringBuilder text = new StringBuilder();
        for (JsonNode part : parts) {
            String type = part.path("type").asText();
            if (!type.equals("text") && !type.equals("refusal")) {
                throw fields.invalid(
                        "content", "may hold parts of type text alone; these models read no images, audio or files");
            }
            if (!part.path(type).isTextual()) {
                throw fields.invalid("content", "holds a " + type + " part without a string in '" + type + "'");
            }
            text.append(part.path(type).textValue());
        }
        return text.toString();
    }

    private static List<Map<String, Object>> toolCalls(Fields fields) {
        JsonNode calls = fields.get("tool_calls");
        if (calls == null) {
            return List.of();
        }
        if (!(calls instanceof ArrayNode array)) {
            throw fields.invalid("tool_calls", "must be an array");
        }
        List<Map<String, Object>> read = new ArrayList<>();
        for (JsonNode call : array) {
            JsonNode function = call.path("function");
            ObjectNode arguments = function.path("arguments").isTextual()
                    ? Json.object(function.path("arguments").textValue())
                    : null;
            if (!function.path("name").isTextual() || arguments == null) {
                throw fields.invalid(
                        "tool_calls",
                        "must hold calls of functions, each with a name and its arguments as a JSON object"
                                + " in a string");
            }
            Map<String, Object> toFunction = new LinkedHashMap<>();
            toFunction.put("name", function.path("name").textValue());
            toFunction.put("arguments", Json.map(arguments));
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("id", call.path("id").asText());
            one.put("type", "function");
            one.put("function", toFunction);
            read.add(one);
        }
        return read;
    }
}
