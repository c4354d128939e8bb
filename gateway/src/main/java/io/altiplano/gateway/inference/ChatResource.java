package io.altiplano.gateway.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.gateway.access.Caller;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.altiplano.gateway.chat.ChatJob;
import io.altiplano.gateway.chat.ChatRequest;
import io.altiplano.gateway.chat.ChatService;
import io.altiplano.gateway.chat.Choices;
import io.altiplano.gateway.entitlement.Entitlements;
import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.job.RequestKey;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.EventStream;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.RequestId;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * {@code POST /v1/chat/completions}. Whether the answer is a stream is the body's to say, never Accept's: the official
 * clients ask for streams with three different values of it.
 */
@Path("/v1/chat/completions")
@NeedsScope(KeyScope.INFERENCE)
@RunOnVirtualThread
public class ChatResource {
    private static final Duration LOOK = Duration.ofSeconds(5);
    /**
     * The scheduler refuses within milliseconds, if at all; so long a stream's status waits for it or for the first token, so
     * that a full queue is a 429 and not an event.
     */
    private static final Duration SCHEDULERS_WORD = Duration.ofMillis(100);

    private final ChatService chat;
    private final CurrentCaller caller;
    private final RequestId requestId;

    @Inject
    ChatResource(ChatService chat, CurrentCaller caller, RequestId requestId) {
        this.chat = chat;
        this.caller = caller;
        this.requestId = requestId;
    }

    /** An answer to a conversation, whole or as server-sent events. */
    @POST
    public Response create(@Context HttpHeaders headers, @Context RoutingContext http, InputStream body)
            throws InterruptedException {
        ObjectNode json = JsonBody.read(headers.getMediaType(), body);
        ChatRequest request = ChatRequestReader.read(json);
        ChatJob job = chat.submit(caller.get(), request, key(headers, json));
        if (request.stream()) {
            Optional<JobEvent.Failed> refused = job.choices().refusedWithin(SCHEDULERS_WORD);
            if (refused.isPresent()) {
                throw failure(job, refused.get());
            }
            return new EventStream(new ChatEvents(job, requestId.get())).toResponse(job.headers());
        }
        http.addEndHandler(end -> {
            if (end.failed()) {
                job.choices().cancel("client_disconnected");
            }
        });
        // Who hung up while the job was being queued ended the exchange before there was a handler to hear it.
        if (http.response().closed()) {
            job.choices().cancel("client_disconnected");
        }
        return whole(job);
    }

    /** What it took of its limits it is told of as an answer would be. */
    private static ApiException failure(ChatJob job, JobEvent.Failed failed) {
        return Entitlements.with(new ApiException(JobFailures.error(failed)), job.headers());
    }

    private @Nullable RequestKey key(HttpHeaders headers, ObjectNode body) {
        String given = headers.getHeaderString(RequestKey.HEADER);
        Caller who = caller.get();
        return given == null
                ? null
                : RequestKey.of(who.tenantId(), who.projectId(), given, "/v1/chat/completions", body.toString());
    }

    private static Response whole(ChatJob job) throws InterruptedException {
        List<Choice> open =
                Stream.generate(Choice::new).limit(job.choices().count()).toList();
        while (open.stream().anyMatch(choice -> choice.completed == null)) {
            for (Choices.Event next : job.choices().await(LOOK)) {
                Choice choice = open.get(next.choice());
                switch (next.event()) {
                    case JobEvent.Delta delta -> {
                        choice.text.append(delta.text());
                        choice.tokens.addAll(delta.tokens());
                    }
                    case JobEvent.Completed completed -> choice.completed = completed;
                    case JobEvent.Failed failed -> throw failure(job, failed);
                }
            }
        }
        return answer(job, open);
    }

    /** An answer that is being gathered. */
    private static final class Choice {
        final StringBuilder text = new StringBuilder();
        final List<TokenOut> tokens = new ArrayList<>();
        JobEvent.@Nullable Completed completed;

        JobEvent.Completed end() {
            return Objects.requireNonNull(completed, "gathered until it is");
        }
    }

    private static Response answer(ChatJob job, List<Choice> choices) {
        List<Completions.Answer> answers = choices.stream()
                .map(choice -> {
                    String text = choice.text.toString();
                    ToolCall call =
                            ToolCall.parse(text, job.request().toolNames()).orElse(null);
                    return new Completions.Answer(
                            text, choice.tokens, call, choice.end().finishReason());
                })
                .toList();
        Usage usage = Completions.sum(
                choices.stream().map(choice -> choice.end().usage()).toList());
        Response.ResponseBuilder response =
                Response.ok(new Completions(job).whole(answers, usage), MediaType.APPLICATION_JSON_TYPE);
        job.headers().forEach(response::header);
        return response.build();
    }
}
