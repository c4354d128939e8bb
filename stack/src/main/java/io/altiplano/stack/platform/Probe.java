package io.altiplano.stack.platform;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.infra.ManagedProcess;
import io.altiplano.stack.infra.Waiting;
import java.time.Duration;

/** Whether a service is ready, and whether the platform as a whole answers. */
public final class Probe {
    private Probe() {}

    /** Waits until the service on 127.0.0.1:port says that it is ready. */
    public static void awaitReady(ManagedProcess process, int port, Duration limit) {
        Waiting.until(
                process.name() + " on port " + port,
                process,
                limit,
                () -> Http.status("http://127.0.0.1:" + port + "/q/health/ready") == 200);
    }

    /** Asks for a chat answer until one comes, and returns its text. */
    public static String awaitAnswer(String baseUrl, String key, String model, Duration limit) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("model", model).put("max_tokens", 24).put("temperature", 0);
        body.putArray("messages").addObject().put("role", "user").put("content", "Hello! Who are you?");
        StringBuilder text = new StringBuilder();
        Waiting.until("a chat answer from " + baseUrl, null, limit, () -> {
            Http.Answer answer = Http.send("POST", baseUrl + "/chat/completions", key, body);
            if (answer.status() != 200) {
                throw new InfraException("status " + answer.status() + ", " + answer.body());
            }
            text.append(answer.body()
                    .path("choices")
                    .path(0)
                    .path("message")
                    .path("content")
                    .asText());
            return true;
        });
        return text.toString();
    }
}
