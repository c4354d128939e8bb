package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.gateway.chat.ChatRequest;
import io.altiplano.gateway.web.ApiError;
import io.altiplano.gateway.web.ApiException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the body of {@code POST /v1/chat/completions}. What would change the answer and is not supported is refused by
 * name; what cannot change it is ignored.
 */
final class ChatRequestReader {
    private static final int MOST_STOPS = 4;
    private static final int LONGEST_STOP = 1000;
    private static final int MOST_TOP_LOGPROBS = 20;
    private static final int LONGEST_END_USER = 512;
    private static final Set<String> SERVICE_TIERS = Set.of("auto", "default", "flex");

    private ChatRequestReader() {}

    /**
     * The request.
     *
     * @throws ApiException 400 with the first field at fault
     */
    static ChatRequest read(ObjectNode body) {
        Fields fields = new Fields(body, "");
        String model = fields.requiredText("model");
        MessageReader.Messages messages = MessageReader.read(body.get("messages"));
        ToolReader.Tools tools = ToolReader.read(fields);
        refuseUnsupported(fields);
        boolean stream = fields.flag("stream");
        OptionalInt maxTokens = maxTokens(fields);
        boolean logprobs = fields.flag("logprobs");
        OptionalInt topLogprobs = fields.whole("top_logprobs", 0, MOST_TOP_LOGPROBS);
        if (topLogprobs.isPresent() && topLogprobs.getAsInt() > 0 && !logprobs) {
            throw fields.invalid("top_logprobs", "needs logprobs to be true");
        }
        int minTokens = fields.whole("min_tokens", 0, maxTokens.orElse(Integer.MAX_VALUE))
                .orElse(0);
        return new ChatRequest(
                model,
                messages.messages(),
                tools.definitions(),
                tools.names(),
                maxTokens,
                minTokens,
                fields.whole("n", 1, ChatRequest.MOST_CHOICES).orElse(1),
                TokenChoiceReader.read(fields),
                stops(fields),
                logprobs,
                topLogprobs.orElse(0),
                stream,
                includeUsage(fields, stream),
                flex(fields),
                endUser(fields));
    }

    /** OpenAI's present field before its former one; an empty text names nobody. */
    private static @Nullable String endUser(Fields fields) {
        for (String name : List.of("safety_identifier", "user")) {
            String given = fields.text(name);
            if (given != null && given.length() > LONGEST_END_USER) {
                throw fields.invalid(name, "must have at most " + LONGEST_END_USER + " characters");
            }
        }
        String current = fields.text("safety_identifier");
        String named = current == null || current.isBlank() ? fields.text("user") : current;
        return named == null || named.isBlank() ? null : named;
    }

    private static OptionalInt maxTokens(Fields fields) {
        OptionalInt old = fields.whole("max_tokens", 1, Integer.MAX_VALUE);
        OptionalInt current = fields.whole("max_completion_tokens", 1, Integer.MAX_VALUE);
        if (old.isPresent() && current.isPresent() && old.getAsInt() != current.getAsInt()) {
            throw fields.invalid("max_tokens", "and max_completion_tokens differ; send one of them");
        }
        return current.isPresent() ? current : old;
    }

    private static boolean includeUsage(Fields fields, boolean stream) {
        JsonNode options = fields.get("stream_options");
        if (options == null) {
            return false;
        }
        if (!(options instanceof ObjectNode object)) {
            throw fields.invalid("stream_options", "must be an object");
        }
        if (!stream) {
            throw fields.invalid("stream_options", "is only for stream: true");
        }
        return new Fields(object, "stream_options.").flag("include_usage");
    }

    private static boolean flex(Fields fields) {
        String tier = fields.text("service_tier");
        if (tier != null && !SERVICE_TIERS.contains(tier)) {
            throw fields.invalid("service_tier", "must be auto, default or flex");
        }
        return "flex".equals(tier);
    }

    private static List<String> stops(Fields fields) {
        JsonNode stop = fields.get("stop");
        if (stop == null) {
            return List.of();
        }
        List<String> stops = new ArrayList<>();
        if (stop instanceof ArrayNode array) {
            for (JsonNode one : array) {
                stops.add(stopText(fields, one));
            }
        } else {
            stops.add(stopText(fields, stop));
        }
        if (stops.size() > MOST_STOPS) {
            throw fields.invalid("stop", "must be at most " + MOST_STOPS + " strings");
        }
        return stops;
    }

    private static String stopText(Fields fields, @Nullable JsonNode stop) {
        if (stop == null
                || !stop.isTextual()
                || stop.textValue().isEmpty()
                || stop.textValue().length() > LONGEST_STOP) {
            throw fields.invalid(
                    "stop", "must be a string of 1 to " + LONGEST_STOP + " characters, or an array of them");
        }
        return stop.textValue();
    }

    private static void refuseUnsupported(Fields fields) {
        JsonNode format = fields.get("response_format");
        if (format != null && !format.isObject()) {
            throw fields.invalid("response_format", "must be an object");
        }
        fields.mustBeNeutral(
                "response_format",
                format == null || format.path("type").asText().equals("text"),
                "of another type than text is not supported yet; leave it out and ask for the format in the messages.");
        for (String old : List.of("functions", "function_call")) {
            fields.mustBeNeutral(old, fields.get(old) == null, "is deprecated and not supported; use tools.");
        }
        for (String claim : List.of("tenant", "tenant_id", "organization", "project", "tier", "role")) {
            fields.mustBeNeutral(claim, fields.get(claim) == null, "is the API key's to say; leave it out.");
        }
        for (String media : List.of("audio", "prediction", "web_search_options")) {
            fields.mustBeNeutral(media, fields.get(media) == null, "is not supported; leave it out.");
        }
        JsonNode modalities = fields.get("modalities");
        fields.mustBeNeutral(
                "modalities",
                modalities == null
                        || (modalities.size() == 1
                                && modalities.path(0).asText().equals("text")),
                "may only be [\"text\"].");
    }

    static ApiException invalid(String param, String message) {
        return new ApiException(ApiError.invalidRequest(param, "invalid_value", message));
    }
}
