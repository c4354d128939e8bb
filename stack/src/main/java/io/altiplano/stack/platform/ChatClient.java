package io.altiplano.stack.platform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.PlainHttp;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** A small client of the streaming chat endpoint, for the terminal and the benchmark. */
public final class ChatClient {
    private final HttpClient http = PlainHttp.client();
    private final String baseUrl;
    private final String key;

    /** Of an API at http://host:port/v1. */
    public ChatClient(String baseUrl, String key) {
        this.baseUrl = baseUrl;
        this.key = key;
    }

    /**
     * One turn of a conversation.
     *
     * @param role system, user or assistant
     * @param content its text
     */
    public record Message(String role, String content) {}

    /**
     * What was asked and what came.
     *
     * @param text the whole answer
     * @param promptTokens as the API counted them
     * @param completionTokens as the API counted them
     * @param arrivals when each piece of text came, {@link System#nanoTime}
     */
    public record Answer(String text, long promptTokens, long completionTokens, List<Long> arrivals) {}

    /** The ids of the models that the key may see. */
    public List<String> models() {
        Http.Answer answer = Http.send("GET", baseUrl + "/models", key, null);
        if (answer.status() != 200) {
            throw new InfraException(message(answer.body(), answer.status()));
        }
        List<String> ids = new ArrayList<>();
        answer.body().path("data").forEach(m -> ids.add(m.path("id").asText()));
        return ids;
    }

    /** Sends a conversation; each piece of text is handed on as it comes. */
    public Answer stream(String model, List<Message> messages, ObjectNode options, Consumer<String> onText) {
        ObjectNode body = options.deepCopy();
        body.put("model", model).put("stream", true);
        body.putObject("stream_options").put("include_usage", true);
        ArrayNode list = body.putArray("messages");
        messages.forEach(m -> list.addObject().put("role", m.role()).put("content", m.content()));
        HttpRequest request = HttpRequest.newBuilder(URI.create(baseUrl + "/chat/completions"))
                .header("authorization", "Bearer " + key)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
                .build();
        try {
            HttpResponse<Stream<String>> answer = http.send(request, HttpResponse.BodyHandlers.ofLines());
            try (Stream<String> lines = answer.body()) {
                if (answer.statusCode() != 200) {
                    String text = String.join("\n", lines.toList());
                    throw new InfraException(message(Http.read(text), answer.statusCode()));
                }
                return read(lines, onText);
            }
        } catch (IOException e) {
            throw new InfraException(
                    baseUrl + " does not answer: " + e + "; is the platform up? (./altiplano status)", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InfraException("interrupted", e);
        }
    }

    /** No option but what the API takes for granted. */
    public static ObjectNode noOptions() {
        return Http.JSON.createObjectNode();
    }

    private static Answer read(Stream<String> lines, Consumer<String> onText) {
        StringBuilder text = new StringBuilder();
        List<Long> arrivals = new ArrayList<>();
        long[] usage = new long[2];
        lines.filter(line -> line.startsWith("data:")).forEach(line -> {
            String data = line.substring("data:".length()).strip();
            if (data.equals("[DONE]")) {
                return;
            }
            JsonNode chunk = Http.read(data);
            if (chunk.has("error")) {
                throw new InfraException(message(chunk, 200));
            }
            String piece =
                    chunk.path("choices").path(0).path("delta").path("content").asText("");
            if (!piece.isEmpty()) {
                arrivals.add(System.nanoTime());
                text.append(piece);
                onText.accept(piece);
            }
            if (chunk.hasNonNull("usage")) {
                usage[0] = chunk.path("usage").path("prompt_tokens").asLong();
                usage[1] = chunk.path("usage").path("completion_tokens").asLong();
            }
        });
        return new Answer(text.toString(), usage[0], usage[1], arrivals);
    }

    private static String message(JsonNode body, int status) {
        JsonNode error = body.path("error");
        String code = error.path("code").asText("");
        return error.path("message").asText("status " + status) + (code.isEmpty() ? "" : " (" + code + ")");
    }
}
