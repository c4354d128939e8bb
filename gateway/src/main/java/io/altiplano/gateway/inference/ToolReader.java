package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads {@code tools} and {@code tool_choice}. */
final class ToolReader {
    private static final int MOST = 128;
    private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

    private ToolReader() {}

    /** What the template is given, and the functions' names. */
    record Tools(List<Map<String, Object>> definitions, Set<String> names) {}

    static Tools read(Fields fields) {
        List<Map<String, Object>> definitions = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        JsonNode tools = fields.get("tools");
        if (tools != null) {
            if (!(tools instanceof ArrayNode array) || array.size() > MOST) {
                throw fields.invalid("tools", "must be an array of at most " + MOST + " tools");
            }
            for (JsonNode tool : array) {
                Map<String, Object> definition = definition(fields, tool);
                definitions.add(definition);
                if (!names.add(tool.path("function").path("name").textValue())) {
                    throw fields.invalid("tools", "names a function twice");
                }
            }
        }
        return offered(fields, !names.isEmpty()) ? new Tools(definitions, names) : new Tools(List.of(), Set.of());
    }

    private static Map<String, Object> definition(Fields fields, JsonNode tool) {
        JsonNode function = tool.path("function");
        JsonNode parameters = function.path("parameters");
        if (!tool.path("type").asText().equals("function") || !function.isObject()) {
            throw fields.invalid("tools", "may hold tools of type function alone, each with an object 'function'");
        }
        if (!function.path("name").isTextual()
                || !NAME.matcher(function.path("name").textValue()).matches()) {
            throw fields.invalid("tools", "must name each function with 1 to 64 of a-z A-Z 0-9 _ -");
        }
        if (!(parameters.isMissingNode() || parameters.isNull() || parameters.isObject())) {
            throw fields.invalid("tools", "must give each function's parameters as a JSON Schema object");
        }
        Map<String, Object> toFunction = new LinkedHashMap<>();
        toFunction.put("name", function.path("name").textValue());
        toFunction.put("description", function.path("description").asText(""));
        toFunction.put("parameters", parameters instanceof ObjectNode schema ? Json.map(schema) : Map.of());
        Map<String, Object> definition = new LinkedHashMap<>();
        definition.put("type", "function");
        definition.put("function", toFunction);
        return definition;
    }

    private static boolean offered(Fields fields, boolean any) {
        JsonNode choice = fields.get("tool_choice");
        if (choice == null) {
            return any;
        }
        String word = choice.isTextual() ? choice.textValue() : "";
        if (!word.equals("none") && !word.equals("auto")) {
            fields.mustBeNeutral(
                    "tool_choice",
                    false,
                    "may be \"none\" or \"auto\" for now; to force a call, offer that tool alone and ask for it in the"
                            + " messages.");
        }
        return any && word.equals("auto");
    }
}
