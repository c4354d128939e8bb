package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * A call of one of the offered functions, as Llama 3.1 writes it: the whole answer is
 * {@code {"name": ..., "parameters": {...}}}.
 *
 * @param id new, by which the tool's answer will refer to it
 * @param name of the function
 * @param arguments a JSON object as text
 */
record ToolCall(String id, String name, String arguments) {

    /** The call that a whole answer is, if it is one of an offered function. Anything else is content. */
    static Optional<ToolCall> parse(String answer, Set<String> offered) {
        String text = answer.strip();
        if (!mayBecomeCall(text)) {
            return Optional.empty();
        }
        ObjectNode object = Json.object(text);
        if (object == null) {
            return Optional.empty();
        }
        String name = object.path("name").asText();
        // The form is "parameters"; models fine-tuned on other formats write "arguments".
        JsonNode parameters = object.has("parameters") ? object.path("parameters") : object.path("arguments");
        if (!offered.contains(name) || !parameters.isObject()) {
            return Optional.empty();
        }
        String id = "call_" + UUID.randomUUID().toString().replace("-", "").substring(0, 24);
        return Optional.of(new ToolCall(id, name, parameters.toString()));
    }

    /** Whether an answer that begins so may still turn out to be a call; while so, a stream holds its text back. */
    static boolean mayBecomeCall(String begin) {
        String text = begin.stripLeading();
        return text.isEmpty() || text.charAt(0) == '{';
    }
}
